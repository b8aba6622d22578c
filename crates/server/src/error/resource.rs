//! How a change of a resource that was not made is answered.

use jackfield_store::resource::Refusal;

use super::{ApiError, Forbidden, Unauthorized};

impl ApiError {
    /// The refusal of a change. `kind` is what it was a change of.
    pub(crate) fn of_resource(refusal: Refusal, kind: &str) -> Self {
        let bad = |message: &str| Self::BadRequest(message.to_owned());
        match refusal {
            // Deleted after the caller was authenticated, and its clients with it.
            Refusal::NoSuchOrganization => Self::Unauthorized(Unauthorized::Revoked),
            Refusal::NotFound => Self::NotFound(format!("There is no such {kind}.")),
            Refusal::Missing(what) => Self::NotFound(format!("The organization has no such {what}.")),
            Refusal::Exists => Self::Conflict(format!("There is such a {kind} already.")),
            Refusal::IdTaken => Self::Internal { cause: format!("a random id of a {kind} was taken") },
            Refusal::TooDeep(levels) => Self::BadRequest(format!(
                "The parent is on level {levels}; units have at most {levels} levels below the organization."
            )),
            Refusal::HasUnits => bad("The unit has units below it; delete them first."),
            Refusal::HasAddressBooks => {
                bad("Address books are associated with the unit; delete these associations first.")
            }
            Refusal::HasProfile => {
                Self::Conflict("The unit has a communication profile; delete it first.".to_owned())
            }
            Refusal::LimitReached { of, most } => Self::Forbidden(Forbidden::Bound { of, most }),
            Refusal::TooManyDependents(most) => Self::Conflict(format!(
                "More than {most} objects would go with the {kind}; delete some of them first."
            )),
        }
    }
}
