import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which images are asked, and by what."""
    parser.addoption("--engine", required=True, help="docker or podman")
    parser.addoption("--registry", required=True, help="what the images' names begin with")
