"""Reads a dbt project's property files and diagrams into the Schema."""

from seedbed.parsers.merge import read_schema
from seedbed.parsers.select import select_tables

__all__ = ["read_schema", "select_tables"]
