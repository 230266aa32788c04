/** What the words of SQL's dialects are, for the tokeniser. */

import { WordTable } from "./word_table";

/** Kinds of tokens, each a letter, so that a row of them can be read. */
export class Kind {
  /** A word that nobody knows: a name. */
  static readonly NAME: u32 = 0x6e; // n
  static readonly NUMBER: u32 = 0x31; // 1
  static readonly TEXT: u32 = 0x73; // s
  static readonly VARIABLE: u32 = 0x76; // v
  static readonly FUNCTION: u32 = 0x66; // f
  static readonly OPERATOR: u32 = 0x6f; // o
  /** AND, OR and the like. */
  static readonly LOGIC: u32 = 0x26; // &
  static readonly KEYWORD: u32 = 0x6b; // k
  /** SELECT and what else begins an expression that is a statement. */
  static readonly SELECT: u32 = 0x45; // E
  static readonly UNION: u32 = 0x55; // U
  /** What comes behind a condition: GROUP BY, ORDER BY, HAVING, LIMIT. */
  static readonly TAIL: u32 = 0x42; // B
  /** What only ever begins a statement: DROP, EXEC, WAITFOR. */
  static readonly STATEMENT: u32 = 0x54; // T
  static readonly COMMENT: u32 = 0x63; // c
  static readonly OPEN: u32 = 0x28;
  static readonly CLOSE: u32 = 0x29;
  static readonly COMMA: u32 = 0x2c;
  static readonly SEMICOLON: u32 = 0x3b;
  static readonly DOT: u32 = 0x2e;
  static readonly BACKSLASH: u32 = 0x5c;
  /** Punctuation that SQL has a use for only in some dialects. */
  static readonly OTHER: u32 = 0x3f;
  /** What no client sends by accident, such as a comment that MySQL executes. */
  static readonly EVIL: u32 = 0x58; // X
}

const LISTS: string[] = [
  "E",
  "select",
  "U",
  "union intersect except minus",
  "&",
  "and or xor",
  "o",
  "like rlike regexp ilike glob match similar between in is not div mod sounds escape collate binary overlaps isnull notnull",
  "1",
  "null true false unknown",
  "B",
  "group order having limit offset fetch procedure window",
  "T",
  "drop truncate alter create grant revoke exec execute declare waitfor shutdown kill backup restore reconfigure openrowset opendatasource openquery bulk dbcc handler load rename analyze attach pragma vacuum call deny merge prepare deallocate xp_cmdshell xp_regread xp_dirtree sp_executesql sp_password sp_configure sp_oacreate",
  "k",
  "from where into insert update delete replace values set as on using join inner outer left right full cross natural case when then else end distinct all any some exists top table database schema column index view trigger user by asc desc with default primary foreign key references constraint add modify change begin commit rollback savepoint transaction if outfile dumpfile lock unlock show describe explain returning over partition rows range current for to delay time information_schema",
  "f",
  "abs acos ascii asin atan atan2 avg aes_encrypt aes_decrypt benchmark bin bit_and bit_count bit_length bit_or bit_xor cast ceil ceiling char character_length char_length charindex chr coalesce compress concat concat_ws connection_id conv convert convert_tz cos cot count crc32 curdate current_date current_time current_timestamp current_user curtime database date date_add date_format date_sub datediff datename datepart dayname dayofmonth dayofweek dayofyear db_id db_name decode decrypt degrees des_decrypt des_encrypt dbms_lock.sleep dbms_pipe.receive_message dbms_ldap.init dumpfile elt encode encrypt exp export_set extract extractvalue field find_in_set floor format found_rows from_base64 from_days from_unixtime generate_series get_lock getdate getutcdate greatest group_concat has_dbaccess hex host_name ifnull iif inet_aton inet_ntoa initcap insert_id instr is_free_lock is_member is_srvrolemember is_used_lock isdate isnumeric json_array json_extract json_object json_keys json_value last_insert_id lcase least len length ln load_extension load_file locate log log10 log2 lower lpad ltrim make_set makedate master_pos_wait max md5 mid min monthname name_const newid nullif now nvl nvl2 object_id object_name oct old_password ord parsename password patindex pg_read_file pg_sleep pg_user pg_ls_dir pi position pow power printf quarter quote quotename radians rand random randomblob regexp_like regexp_replace regexp_substr release_lock repeat replicate reverse round row_count rpad rtrim schema_name sec_to_time session_user sha sha1 sha2 sign sin sleep soundex space sqlite_version sqrt stddev stdev str str_to_date strcmp string_agg stuff subdate substr substring substring_index subtime sum suser_name suser_sname sys_context sys_eval sys_exec sysdate system_user tan timediff timestampadd timestampdiff to_base64 to_char to_date to_days to_number translate trim typeof tochar ucase uncompress unhex unix_timestamp upper user_id user_name utc_date utc_time utc_timestamp utl_http.request utl_inaddr.get_host_address uuid var_pop variance version week weekday xmltype year yearweek zeroblob updatexml xp_fileexist query_to_xml table_to_xml exp",
];

let words: WordTable | null = null;

/** Makes the table; must be called in `onConfigure`. */
export function prepareSqlWords(): void {
  if (words === null) words = new WordTable(LISTS);
}

/** The kind of a word in any letter case; `Kind.NAME` when it is none of SQL's. */
export function kindOfWord(at: usize, length: i32): u32 {
  const known = words!.kindOf(at, length);
  return known == 0 ? Kind.NAME : known;
}
