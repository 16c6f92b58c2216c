"""Runs trials: the specification of a run, its workspace, the owner of its studies and the processes of its trials."""
