"""Background jobs: a job is a folder, its worker a process of its own that outlives whoever started it.

Pages and commands use `store` and `launcher`; only `python -m derm_model.jobs.worker FOLDER` runs `worker`.
"""

from derm_model.jobs.job import Job, JobPaths, JobRequest, JobState, JobStatus
from derm_model.jobs.launcher import cancel, launch, resume
from derm_model.jobs.log import tail
from derm_model.jobs.slots import jobs_per_device
from derm_model.jobs.store import JobStore, jobs_root, runs_root

__all__ = [
    "Job",
    "JobPaths",
    "JobRequest",
    "JobState",
    "JobStatus",
    "JobStore",
    "cancel",
    "jobs_per_device",
    "jobs_root",
    "launch",
    "resume",
    "runs_root",
    "tail",
]
