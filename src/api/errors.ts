/**
 * Every error that a call of the RPC surface is answered with: its status and its message, which an occurrence may replace by
 * one that says more. Codes and statuses are those of RDS where RDS has them. docs/reference/errors.md is made from it.
 */
export const RDS_ERRORS = {
  MissingParameter: { status: 400, message: 'A required parameter is missing.' },
  InvalidParameter: { status: 400, message: 'A parameter has a value that is not valid.' },
  'InvalidParameter.Format': { status: 400, message: 'Format must be JSON or XML.' },
  InvalidParameterCombination: { status: 400, message: 'The parameters do not go together.' },
  MalformedRequest: { status: 400, message: 'The request cannot be read.' },
  UnsupportedHTTPMethod: { status: 400, message: 'A call is made with GET or POST.' },
  MissingAction: { status: 400, message: 'The call names no Action.' },
  MissingVersion: { status: 400, message: 'The call names no Version.' },
  'InvalidAction.NotFound': { status: 404, message: 'The specified action is not found.' },
  InvalidVersion: { status: 400, message: 'Version must be 2014-08-15.' },
  RequestTimeout: { status: 408, message: 'The request did not arrive whole in time.' },
  RequestTooLarge: { status: 413, message: 'The body of the request is too large.' },
  RequestHeaderTooLarge: { status: 431, message: 'The request line and headers are too large.' },
  'NotFound.Path': { status: 404, message: 'There is nothing at this path. Calls go to /.' },

  MissingAccessKeyId: { status: 400, message: 'The call names no AccessKeyId.' },
  MissingSecurityToken: { status: 400, message: 'A temporary access key needs its SecurityToken.' },
  'InvalidSecurityToken.Malformed': {
    status: 400,
    message: 'The SecurityToken is not one that this service gave.',
  },
  'InvalidSecurityToken.MismatchWithAccessKey': {
    status: 400,
    message: 'The SecurityToken does not belong to the access key.',
  },
  'InvalidSecurityToken.Expired': { status: 400, message: 'The temporary access key has ended.' },
  'InvalidAccessKeyId.Inactive': { status: 403, message: 'The access key has ended.' },
  'Forbidden.RAM': { status: 403, message: 'The access key may not do this.' },
  'Forbidden.InstanceNotFound': { status: 404, message: 'The database instance does not exist for this access key.' },
  'InvalidAccessKeyId.NotFound': { status: 404, message: 'The specified access key is not found.' },
  IncompleteSignature: { status: 400, message: 'The request is not signed, or its signature has missing parts.' },
  InvalidSignatureMethod: { status: 400, message: 'SignatureMethod must be HMAC-SHA1 or ACS3-HMAC-SHA256.' },
  InvalidSignatureVersion: { status: 400, message: 'SignatureVersion must be 1.0.' },
  SignatureDoesNotMatch: { status: 400, message: 'Specified signature is not matched with our calculation.' },
  MissingSignatureNonce: { status: 400, message: 'The call has no SignatureNonce.' },
  SignatureNonceUsed: { status: 400, message: 'Specified signature nonce was used already.' },
  MissingTimestamp: { status: 400, message: 'The call has no Timestamp.' },
  'InvalidTimeStamp.Format': { status: 400, message: 'The timestamp must have the form YYYY-MM-DDThh:mm:ssZ, in UTC.' },
  'InvalidTimeStamp.Expired': {
    status: 400,
    message: 'The timestamp is more than 15 minutes from the time of this service.',
  },
  'Throttling.User': { status: 400, message: 'This access key makes too many calls. Call again later.' },

  'InvalidRegionId.NotFound': { status: 404, message: 'The specified region does not exist.' },
  'InvalidAcceptLanguage.NotFound': { status: 404, message: 'AcceptLanguage must be zh-CN or en-US.' },
  'InvalidDBInstanceName.NotFound': { status: 404, message: 'The database instance does not exist.' },
  'InvalidDBInstanceId.NotFound': { status: 400, message: 'The database instance does not exist.' },
  'InvalidDBInstance.NotFound': { status: 404, message: 'The database instance does not exist.' },
  DBInstanceExists: { status: 400, message: 'A database instance with this id is registered already.' },
  DBInstanceUnready: { status: 400, message: 'The database cannot be backed up as it is.' },
  DBInstanceMismatch: { status: 400, message: 'The nodes are not those of one database.' },
  IncorrectDBInstanceState: { status: 403, message: 'The state of the database instance does not allow this.' },

  'Database.ConnectError': { status: 400, message: 'The database does not answer.' },
  LogBackupNotEnabled: {
    status: 400,
    message: 'No log of the instance is kept. The ConsistentTime of each backup set is a moment that can be restored.',
  },
  IncorrectDBInstanceType: { status: 403, message: 'The engine of the database instance does not support this.' },
  'OperationDenied.ApiForbidden': { status: 403, message: 'This service does not do this yet.' },
  InvalidPageSize: { status: 400, message: 'PageSize is not valid.' },
  InvalidPageIndex: { status: 400, message: 'PageIndex is not valid.' },
  'InvalidRestoreTime.Format': { status: 400, message: 'RestoreTime must have the form YYYY-MM-DDThh:mm:ssZ, in UTC.' },
  'InvalidRestoreType.Format': { status: 400, message: 'RestoreType must be BackupSetID or RestoreTime.' },
  InvalidParamTableMeta: { status: 400, message: 'TableMeta is not valid.' },
  'MissBackupSetAndRestoreTime.NotFound': { status: 400, message: 'Name one of BackupId and RestoreTime.' },

  'InvalidStartTime.Format': { status: 400, message: 'StartTime must have the form YYYY-MM-DDThh:mmZ, in UTC.' },
  'InvalidEndTime.Format': { status: 400, message: 'EndTime must have the form YYYY-MM-DDThh:mmZ, in UTC.' },
  'InvalidPageNumbers.Malformed': { status: 400, message: 'PageNumber must be an integer from 1 to 2147483647.' },
  'InvalidMaxRecordsPerPage.Malformed': { status: 403, message: 'PageSize is not one that is allowed.' },
  'Invalid.NextToken': { status: 400, message: 'NextToken is not one that this service gave.' },

  'BackupType.NotSupport': { status: 400, message: 'The backup type is not supported.' },
  'InvalidBackupMethod.ValueNotSupport': { status: 400, message: 'The backup method is not supported.' },
  'InvalidDBName.Format': { status: 400, message: 'The names of databases are not valid.' },
  IdempotentParameterMismatch: {
    status: 400,
    message: 'The ClientToken was used for a call with other parameters.',
  },
  BackupJobExists: { status: 400, message: 'A backup of this instance is waiting or running already.' },
  'InvalidBackupRetentionPeriod.Malformed': { status: 400, message: 'The days of retention are not valid.' },
  'InvalidReleasedKeepPolicy.Format': { status: 400, message: 'ReleasedKeepPolicy must be None, Lastest or All.' },
  'OperationDenied.NotSupportedBackupMethod': { status: 403, message: 'The backup method is not supported.' },
  'InvalidBackupSetID.NotFound': { status: 404, message: 'The backup set does not exist.' },
  IncorrectBackupSetMethod: { status: 403, message: 'The method of the backup set does not allow this.' },
  IncorrectBackupSetState: { status: 403, message: 'The state of the backup set does not allow this.' },
  DeleteBackupSetNumExceed: { status: 400, message: 'At most 100 backup sets can be deleted in one call.' },
  'OperationDenied.BackupSetDeleteNotSupport': {
    status: 403,
    message: 'The backup set is needed and cannot be deleted now.',
  },

  'InvalidTaskId.NotFound': { status: 404, message: 'The task does not exist.' },
  IncorrectTaskStatus: { status: 403, message: 'The task has ended already.' },
  'OperationDenied.LastAccessKey': { status: 403, message: 'The last access key cannot be deleted through the API.' },
  InvalidTargetPath: { status: 400, message: 'The target path is not valid.' },
  'OperationDenied.RestoreTarget': { status: 403, message: 'A restore may not write to this path.' },
  'OperationDenied.NoClones': {
    status: 403,
    message: 'This service makes no clones. Set clones.directory in its configuration.',
  },

  InternalError: { status: 500, message: 'The call failed inside the service. See its log.' },
  ServiceUnavailable: { status: 503, message: 'The service cannot answer now. Call again later.' },
} as const satisfies Record<string, { readonly status: number; readonly message: string }>

export type RdsErrorCode = keyof typeof RDS_ERRORS

/** What a call is refused with, as its caller sees it. `message` is whole sentences and never holds a secret. */
export class RdsError extends Error {
  override readonly name = 'RdsError'
  readonly code: RdsErrorCode

  constructor(
    code: RdsErrorCode,
    message: string = RDS_ERRORS[code].message,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
  }

  /** The HTTP status of its code. */
  get status(): number {
    return RDS_ERRORS[this.code].status
  }
}
