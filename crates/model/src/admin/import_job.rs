//! Imports: a list becomes associations, in a job of the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClientId, ServiceProviderId, limit};

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ImportState {
    /// The list is there; nothing is planned.
    Uploaded,
    /// The list is compared with what there is.
    Planning,
    /// The plan is there, and waits to be applied.
    Planned,
    /// The changes are made.
    Applying,
    /// It came to its end; the report says how.
    Done,
    /// It ended early; `problem` says why. Applied again it goes on.
    Stopped,
}

/// How a list is read. What is absent is found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImportReading {
    /// The column of the `externalUserId`: its name, or its number from 1 where there is no header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_column: Option<String>,
    /// The column of the `amazonId`, in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amazon_id_column: Option<String>,
    /// What the list is where it is text: `csv`, `tsv` or `jsonl`. As its file is called where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Whether the first row is data.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_header: bool,
    /// The line of the header, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limit::LIST_HEADER_ROW_MAX))]
    pub header_row: Option<u64>,
    /// The sheet of a workbook: its name, or its number from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The encoding of the text, for example `windows-1252`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What separates the columns: one ASCII character, or `tab`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Take invisible characters out of values, trim them, and put them in Unicode normal form C.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub clean: bool,
    /// End the list at the first blank row below its first row.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub until_blank_row: bool,
    /// Kinds of doubtful values that are taken as they are: `powers`, `formulas`, `errors`, `decimals`, `dates`, `booleans`,
    /// `characters`, `look-alikes`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Refuse a list with fewer rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect_rows: Option<u64>,
}

/// What a list is, as far as it was understood, and what its beginning shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportPreview {
    /// What it is, for example `CSV` or `workbook (.xlsx)`; empty where that is not known.
    pub format: String,
    /// The encoding of its text, and how that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What separates the columns: the character itself, or `tab`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// The sheets of a workbook.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sheets: Vec<String>,
    /// The sheet that is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The line of the header, or of what is most likely to be it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u64>,
    /// What the columns are called.
    pub columns: Vec<String>,
    /// The number of the column of the `externalUserId`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_column: Option<u64>,
    /// The number of the column of the `amazonId`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amazon_id_column: Option<u64>,
    /// The number of the column that probably holds the `externalUserId`, where none is called so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested_id_column: Option<u64>,
    /// The number of the column that probably holds the `amazonId`, in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested_amazon_id_column: Option<u64>,
    /// The first rows.
    pub rows: Vec<ImportRow>,
    /// Rows of the list, valid or not; absent where it is refused as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
    /// Rows that are not valid.
    pub invalid: u64,
    /// What is wrong with the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ImportProblem>,
    /// What a person should know, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Why the list is refused as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A row as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportRow {
    /// The line on which it begins, or the row of the sheet.
    pub line: u64,
    /// Its cells, cut where they are long.
    pub cells: Vec<String>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportProblem {
    /// The line on which it begins, or the row of the sheet.
    pub line: u64,
    /// The name of the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The rule that is broken.
    pub rule: String,
}

/// What is to be planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImportPlan {
    /// The client in whose name the associations are read and changed. It belongs to the organization of the service
    /// provider.
    #[serde(alias = "clientId")]
    pub client_id: ClientId,
    /// How the list is read.
    #[serde(default)]
    pub reading: ImportReading,
    /// Whether associations that the list does not have are deleted. Then every row has to be valid.
    #[serde(default)]
    pub delete_missing: bool,
    /// Refuse a plan that deletes more: a number, or a share like `5%` of what the service provider has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delete: Option<String>,
}

/// Whether a plan is applied as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApplyImport {
    /// Go on without the rows that are not valid. A plan with such rows is refused otherwise.
    pub skip_invalid: bool,
}

/// Changes by their kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportCounts {
    /// Associations to store.
    pub create: u64,
    /// Associations to point at another profile.
    pub update: u64,
    /// Associations to remove.
    pub delete: u64,
}

/// One change of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportChange {
    /// The endpoint.
    pub external_user_id: String,
    /// The profile that stands for it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The profile that is to stand for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The line of the list that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// What leads from what there is to the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportPlan {
    /// How many changes it has.
    pub counts: ImportCounts,
    /// Rows that are there already.
    pub unchanged: u64,
    /// Associations that the list does not have, and that stay; 0 where they were not looked for.
    pub kept: u64,
    /// The first changes of each kind.
    pub changes: Vec<ImportChange>,
    /// Rows that are not valid; `rejects` has all of them.
    pub invalid: u64,
    /// What is wrong with the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ImportProblem>,
    /// What a person should know of how the list was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// How far it is with what it does now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportProgress {
    /// Associations to read or changes to make, as far as that is known.
    pub total: u64,
    /// How many of them are done, well or not.
    pub done: u64,
    /// Changes that failed.
    pub failed: u64,
    /// Requests to the public API so far.
    pub requests: u64,
    /// Requests that were turned away: the rate of the client, a fault rule, maintenance.
    pub refused: u64,
}

/// A change that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportFailure {
    /// The change.
    #[serde(flatten)]
    pub change: ImportChange,
    /// Why.
    pub reason: String,
    /// The request that failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// Changes that were made.
    pub done: ImportCounts,
    /// Changes that were there already when it went on after it had stopped.
    pub earlier: u64,
    /// Changes that failed.
    pub failed: u64,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ImportFailure>,
    /// Changes that were not tried, or whose outcome is not known.
    pub left: u64,
    /// Changes that would be needed after the end, because somebody else changes the same; absent where that was not looked
    /// for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub different: Option<u64>,
    /// Requests to the public API.
    pub requests: u64,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportJob {
    /// Its id.
    pub id: String,
    /// Whose associations it changes.
    pub service_provider_id: ServiceProviderId,
    /// The name of the file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// How far it is.
    pub state: ImportState,
    /// When it was uploaded, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub created: String,
    /// When its state changed last, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub changed: String,
    /// The admin token that uploaded it.
    pub actor: String,
    /// What was to be planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<NewImportPlan>,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<ImportPlan>,
    /// How far it is with what it does now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ImportProgress>,
    /// What became of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ImportReport>,
    /// Why it went no further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The imports that a server has, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportJobList {
    /// The imports, without the changes and problems of their plans.
    #[schemars(length(max = limit::IMPORTS))]
    pub imports: Vec<ImportJob>,
}

impl ImportState {
    /// Whether something is being done.
    #[must_use]
    pub const fn is_busy(self) -> bool {
        matches!(self, Self::Planning | Self::Applying)
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Planning => "planning",
            Self::Planned => "planned",
            Self::Applying => "applying",
            Self::Done => "done",
            Self::Stopped => "stopped",
        }
    }
}
