"""Seedbed fills a dbt project with synthetic data that the project can trust."""

__version__ = "0.1.0"
