"""What is measured: the service, a bare aiohttp handler, webdis over Redis, etcd."""
