//! `jackfield address-book`.

use clap::{Args, Subcommand};
use jackfield_model::admin::AddressBook;
use jackfield_model::wire::UnitAssociation;
use jackfield_model::{AddressBookId, OrganizationId, UnitId};

use super::list::ListArgs;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `address-book`.
#[derive(Args)]
pub(crate) struct AddressBookArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: AddressBookCommand,
}

#[derive(Subcommand)]
enum AddressBookCommand {
    /// Make an address book
    Create {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        /// A name for people
        name: String,
        /// Its id; issued when absent
        #[arg(long)]
        id: Option<AddressBookId>,
    },
    /// List the address books of an organization
    List {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show an address book
    Get(Named),
    /// Give an address book another name
    Rename {
        #[command(flatten)]
        book: Named,
        /// The new name
        name: String,
    },
    /// Remove an address book, with its contacts
    Delete(Named),
    /// List the units of an address book
    Units {
        #[command(flatten)]
        book: Named,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Associate an address book with a unit
    AddUnit(Pair),
    /// Take an address book from a unit
    RemoveUnit(Pair),
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "ADDRESS_BOOK_ID")]
    id: AddressBookId,
}

#[derive(Args)]
struct Pair {
    #[command(flatten)]
    book: Named,
    /// The unit
    #[arg(value_name = "UNIT_ID")]
    unit: UnitId,
}

impl AddressBookArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let book = match self.command {
            AddressBookCommand::Create { organization, name, id } => {
                let new = AddressBook { id, organization_id: None, name, contacts: None, units: None };
                admin.create_address_book(&organization, &new).await?
            }
            AddressBookCommand::List { organization, list } => {
                return list.show(output, async |page| admin.address_books(&organization, page).await).await;
            }
            AddressBookCommand::Get(book) => admin.address_book(&book.id).await?,
            AddressBookCommand::Rename { book, name } => admin.rename_address_book(&book.id, name).await?,
            AddressBookCommand::Delete(book) => {
                admin.delete_address_book(&book.id).await?;
                return Ok(output.done("deleted", "id", book.id.as_str())?);
            }
            AddressBookCommand::Units { book, list } => {
                return list
                    .show(output, async |page| admin.units_of_address_book(&book.id, page).await)
                    .await;
            }
            AddressBookCommand::AddUnit(Pair { book, unit }) => {
                admin.add_unit_to_address_book(&book.id, &unit).await?;
                return Ok(output.done("associated", "unit", unit.as_str())?);
            }
            AddressBookCommand::RemoveUnit(Pair { book, unit }) => {
                admin.remove_unit_from_address_book(&book.id, &unit).await?;
                return Ok(output.done("removed", "unit", unit.as_str())?);
            }
        };
        Ok(output.object(&book)?)
    }
}

impl Show for AddressBook {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", optional(self.id.as_ref())),
            ("organization", optional(self.organization_id.as_ref())),
            ("name", self.name.clone()),
            ("contacts", optional(self.contacts.as_ref())),
            ("units", optional(self.units.as_ref())),
        ]
    }
}

impl Show for UnitAssociation {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("address book", self.address_book_id.to_string()), ("unit", self.unit_id.to_string())]
    }
}
