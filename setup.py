"""Names the packages: the three top-level folders are installed under names of their own."""

from setuptools import find_packages, setup

FOLDERS = {"harness": "harness", "plugins": "harness_plugins", "leaderboard": "harness_leaderboard"}

setup(
    packages=[
        name
        for folder, package in FOLDERS.items()
        for name in [package, *(f"{package}.{child}" for child in find_packages(folder))]
    ]
)
