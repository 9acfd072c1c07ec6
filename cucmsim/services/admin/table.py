"""Every command there is. A module of commands adds its `COMMANDS` here."""

from collections.abc import Mapping
from types import MappingProxyType

from cucmsim.protocols.admin_grammar import Syntax
from cucmsim.services.admin import (
    commands_accounts,
    commands_certificates,
    commands_certificates_bulk,
    commands_certificates_capf,
    commands_certificates_defaults,
    commands_certificates_password,
    commands_certificates_requests,
    commands_certificates_set,
    commands_diagnose,
    commands_drs,
    commands_drs_schedule,
    commands_files,
    commands_files_get,
    commands_files_view,
    commands_network,
    commands_rename,
    commands_replication,
    commands_security,
    commands_service,
    commands_session,
    commands_sql,
    commands_system,
    commands_tech,
    commands_trustlists,
    commands_trustlists_reset,
    commands_upgrade,
    commands_utils,
)
from cucmsim.services.admin.command import Command

__all__ = ["COMMANDS"]

COMMANDS: Mapping[Syntax, Command] = MappingProxyType(
    {
        command.syntax: command
        for module in (
            commands_accounts,
            commands_certificates,
            commands_certificates_bulk,
            commands_certificates_capf,
            commands_certificates_defaults,
            commands_certificates_password,
            commands_certificates_requests,
            commands_certificates_set,
            commands_diagnose,
            commands_drs,
            commands_drs_schedule,
            commands_files_view,
            commands_network,
            commands_rename,
            commands_replication,
            commands_files,
            commands_files_get,
            commands_security,
            commands_service,
            commands_session,
            commands_sql,
            commands_system,
            commands_tech,
            commands_trustlists,
            commands_trustlists_reset,
            commands_upgrade,
            commands_utils,
        )
        for command in module.COMMANDS
    }
)
"""By syntax, as the grammar finds them."""
