"""What a job may ask for, one file for each: the policy and the user's face of it.

No feature knows another, but workflows are made of batches.
"""
