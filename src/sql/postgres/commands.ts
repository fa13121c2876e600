/** Statements that change no row, no setting and no definition. */
export const HARMLESS: ReadonlySet<string> = new Set(
  (
    'VariableShowStmt VacuumStmt CheckPointStmt ListenStmt UnlistenStmt NotifyStmt ClosePortalStmt FetchStmt ' +
    'ClusterStmt ReindexStmt'
  ).split(' '),
)

/** Statements after which the catalog may differ (A7). */
export const DEFINITIONS: ReadonlySet<string> = new Set(
  (
    'CreateSchemaStmt AlterTableStmt AlterCollationStmt AlterDomainStmt GrantStmt GrantRoleStmt ' +
    'AlterDefaultPrivilegesStmt CreateStmt CreateTableSpaceStmt DropTableSpaceStmt AlterTableSpaceOptionsStmt ' +
    'AlterTableMoveAllStmt CreateExtensionStmt AlterExtensionStmt AlterExtensionContentsStmt CreateFdwStmt ' +
    'AlterFdwStmt CreateForeignServerStmt AlterForeignServerStmt CreateForeignTableStmt CreateUserMappingStmt ' +
    'AlterUserMappingStmt DropUserMappingStmt ImportForeignSchemaStmt CreatePolicyStmt AlterPolicyStmt CreateAmStmt ' +
    'CreateTrigStmt CreateEventTrigStmt AlterEventTrigStmt CreatePLangStmt CreateRoleStmt AlterRoleStmt ' +
    'AlterRoleSetStmt DropRoleStmt CreateSeqStmt AlterSeqStmt DefineStmt CreateDomainStmt CreateOpClassStmt ' +
    'CreateOpFamilyStmt AlterOpFamilyStmt DropStmt CommentStmt SecLabelStmt IndexStmt CreateStatsStmt ' +
    'AlterStatsStmt CreateFunctionStmt AlterFunctionStmt RenameStmt AlterObjectDependsStmt AlterObjectSchemaStmt ' +
    'AlterOwnerStmt AlterOperatorStmt AlterTypeStmt RuleStmt CompositeTypeStmt CreateEnumStmt CreateRangeStmt ' +
    'AlterEnumStmt ViewStmt CreatedbStmt AlterDatabaseStmt AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt ' +
    'DropdbStmt AlterSystemStmt CreateTableAsStmt CreateConversionStmt CreateCastStmt CreateTransformStmt ' +
    'DropOwnedStmt ReassignOwnedStmt AlterTSDictionaryStmt AlterTSConfigurationStmt CreatePublicationStmt ' +
    'AlterPublicationStmt CreateSubscriptionStmt AlterSubscriptionStmt DropSubscriptionStmt'
  ).split(' '),
)
