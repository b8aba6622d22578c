//! `jackfield contact`.

use clap::{Args, Subcommand};
use jackfield_model::admin::Contact;
use jackfield_model::wire::PhoneNumber;
use jackfield_model::{AddressBookId, AmazonId, ContactId, ExternalUserId};

use super::list::ListArgs;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `contact`.
#[derive(Args)]
pub(crate) struct ContactArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ContactCommand,
}

#[derive(Subcommand)]
enum ContactCommand {
    /// Make a contact
    Create {
        #[command(flatten)]
        book: Book,
        #[command(flatten)]
        card: Card,
        /// Its id; issued when absent
        #[arg(long)]
        id: Option<ContactId>,
    },
    /// List the contacts of an address book
    List {
        #[command(flatten)]
        book: Book,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show a contact
    Get(Named),
    /// Put another contact in the place of one, which keeps its id
    Update {
        #[command(flatten)]
        contact: Named,
        #[command(flatten)]
        card: Card,
    },
    /// Remove a contact
    Delete(Named),
}

#[derive(Args)]
struct Book {
    /// The address book
    #[arg(value_name = "ADDRESS_BOOK_ID")]
    book: AddressBookId,
}

#[derive(Args)]
struct Named {
    #[command(flatten)]
    book: Book,
    /// Its id
    #[arg(value_name = "CONTACT_ID")]
    id: ContactId,
}

#[derive(Args)]
#[group(id = "kind")]
struct Card {
    /// The name that a device listens for
    name: String,
    /// A communication profile of the organization
    #[arg(long, value_name = "AMAZON_ID", conflicts_with_all = ["phone", "endpoint"])]
    amazon_id: Option<AmazonId>,
    /// A telephone number, for example +12065550100; up to three times
    #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::new, conflicts_with = "endpoint")]
    phone: Vec<PhoneNumber>,
    /// An endpoint of a service provider's network
    #[arg(long, value_name = "EXTERNAL_USER_ID")]
    endpoint: Option<ExternalUserId>,
}

impl Card {
    fn into_contact(self, id: Option<ContactId>) -> Contact {
        Contact {
            id,
            address_book_id: None,
            name: self.name,
            profile: self.amazon_id,
            phone_numbers: self.phone,
            provider_contact: self.endpoint,
        }
    }
}

impl ContactArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let contact = match self.command {
            ContactCommand::Create { book, card, id } => {
                admin.create_contact(&book.book, &card.into_contact(id)).await?
            }
            ContactCommand::List { book, list } => {
                return list.show(output, async |page| admin.contacts(&book.book, page).await).await;
            }
            ContactCommand::Get(Named { book, id }) => admin.contact(&book.book, &id).await?,
            ContactCommand::Update { contact: Named { book, id }, card } => {
                admin.update_contact(&book.book, &id, &card.into_contact(None)).await?
            }
            ContactCommand::Delete(Named { book, id }) => {
                admin.delete_contact(&book.book, &id).await?;
                return Ok(output.done("deleted", "id", id.as_str())?);
            }
        };
        Ok(output.object(&contact)?)
    }
}

impl Show for Contact {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let numbers: Vec<&str> = self.phone_numbers.iter().map(PhoneNumber::as_str).collect();
        vec![
            ("id", optional(self.id.as_ref())),
            ("address book", optional(self.address_book_id.as_ref())),
            ("name", self.name.clone()),
            ("profile", optional(self.profile.as_ref())),
            ("phone", numbers.join(", ")),
            ("endpoint", optional(self.provider_contact.as_ref())),
        ]
    }
}
