"""Background jobs: a job is a folder, its worker a process of its own that outlives whoever started it.

Pages and commands use `store` and `launcher`; only `python -m derm_model.jobs.worker FOLDER` runs `worker`.
"""

from derm_model.jobs.job import Job, JobPaths, JobRequest, JobState, JobStatus
from derm_model.jobs.launcher import cancel, launch
from derm_model.jobs.store import JobStore, jobs_root, tail

__all__ = [
    "Job",
    "JobPaths",
    "JobRequest",
    "JobState",
    "JobStatus",
    "JobStore",
    "cancel",
    "jobs_root",
    "launch",
    "tail",
]
