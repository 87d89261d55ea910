"""Reads a dbt project's property files and diagrams into the Schema."""

from seedbed.parsers.merge import read_schema
from seedbed.parsers.project import read_target_settings
from seedbed.parsers.select import select_tables

__all__ = ["read_schema", "read_target_settings", "select_tables"]
