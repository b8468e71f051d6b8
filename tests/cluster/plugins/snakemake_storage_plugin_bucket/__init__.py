"""A bucket that is empty and stays so: Snakemake asks for a storage where machines share no folder."""

from snakemake_interface_storage_plugins.storage_object import StorageObjectRead, StorageObjectWrite
from snakemake_interface_storage_plugins.storage_provider import StorageProviderBase, StorageQueryValidationResult


class StorageProvider(StorageProviderBase):
    @classmethod
    def example_queries(cls):
        return []

    def rate_limiter_key(self, query, operation):
        return None

    def default_max_requests_per_second(self):
        return 1.0

    def use_rate_limiter(self):
        return False

    @classmethod
    def is_valid_query(cls, query):
        return StorageQueryValidationResult(query=query, valid=True)


class StorageObject(StorageObjectRead, StorageObjectWrite):
    async def inventory(self, cache):
        pass

    def get_inventory_parent(self):
        return None

    def local_suffix(self):
        return self.query

    def cleanup(self):
        pass

    def exists(self):
        return False

    def mtime(self):
        raise FileNotFoundError(self.query)

    size = retrieve_object = mtime

    def store_object(self):
        pass

    remove = store_object
