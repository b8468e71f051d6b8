"""An executor for machines without a shared folder, as that for Kubernetes; no job ever reaches it."""

from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(non_local_exec=True, implies_no_shared_fs=True, job_deploy_sources=True)


class Executor(RemoteExecutor):
    def run_job(self, job):
        raise AssertionError("a job was submitted")

    async def check_active_jobs(self, active_jobs):
        yield

    def cancel_jobs(self, active_jobs):
        pass
