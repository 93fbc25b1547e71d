//! Roles, and which of them a call needs: one table for all calls.

use serde::{Deserialize, Serialize};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Submit and control sweeps, and read.
    Submit,
    /// Be a worker; nothing that people ask.
    Worker,
    /// Look at everything, change nothing.
    Read,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Submit, Self::Worker, Self::Read];

    /// Its name, as people type it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Submit => "submit",
            Self::Worker => "worker",
            Self::Read => "read",
        }
    }
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// No token at all.
    Nothing,
    /// A token with one of these roles.
    One(&'static [Role]),
}

const ANY: Need = Need::One(&[Role::Read, Role::Worker, Role::Submit, Role::Admin]);
const READ: Need = Need::One(&[Role::Read, Role::Submit, Role::Admin]);
const SUBMIT: Need = Need::One(&[Role::Submit, Role::Admin]);
const WORKER: Need = Need::One(&[Role::Worker, Role::Admin]);
const ADMIN: Need = Need::One(&[Role::Admin]);

/// What each call needs. A call that is not in it is for admins; a test demands that every call of the protocol is.
const TABLE: &[(&str, Need)] = &[
    ("/grpc.health.v1.Health/Check", Need::Nothing),
    ("/grpc.health.v1.Health/List", ANY),
    ("/grpc.health.v1.Health/Watch", ANY),
    ("/sweep.v1.ClientService/About", ANY),
    ("/sweep.v1.ClientService/Audit", SUBMIT),
    ("/sweep.v1.ClientService/Backup", ADMIN),
    ("/sweep.v1.ClientService/Cells", READ),
    ("/sweep.v1.ClientService/CollectGarbage", ADMIN),
    ("/sweep.v1.ClientService/Control", SUBMIT),
    ("/sweep.v1.ClientService/DatasetDigests", READ),
    ("/sweep.v1.ClientService/Drain", ADMIN),
    ("/sweep.v1.ClientService/Explain", READ),
    ("/sweep.v1.ClientService/FindJobs", READ),
    ("/sweep.v1.ClientService/GetArtifact", READ),
    ("/sweep.v1.ClientService/Logs", READ),
    ("/sweep.v1.ClientService/Rows", READ),
    ("/sweep.v1.ClientService/Status", READ),
    ("/sweep.v1.ClientService/Submit", SUBMIT),
    ("/sweep.v1.ClientService/Sweeps", READ),
    ("/sweep.v1.ClientService/Watch", READ),
    ("/sweep.v1.ClientService/Workers", READ),
    ("/sweep.v1.WorkerService/Fail", WORKER),
    ("/sweep.v1.WorkerService/Finish", WORKER),
    ("/sweep.v1.WorkerService/Goodbye", WORKER),
    ("/sweep.v1.WorkerService/Hello", WORKER),
    ("/sweep.v1.WorkerService/Lease", WORKER),
    ("/sweep.v1.WorkerService/PutArtifact", WORKER),
    ("/sweep.v1.WorkerService/Release", WORKER),
    ("/sweep.v1.WorkerService/Report", WORKER),
];

/// What the call of that path needs.
pub(super) fn need(path: &str) -> Need {
    TABLE
        .binary_search_by_key(&path, |(path, _)| path)
        .map_or(ADMIN, |at| TABLE[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(path, _)| *path)
    }

    #[test]
    fn every_call_of_the_protocol_is_in_the_table_once_and_in_order() {
        assert!(
            TABLE.is_sorted_by(|a, b| a.0 < b.0),
            "it is searched by halves"
        );
        let known: Vec<&str> = paths().collect();
        assert!(!proto::CALLS.is_empty());
        for call in proto::CALLS {
            assert!(
                known.contains(call),
                "say in the table which role {call} needs"
            );
        }
        for path in known {
            assert!(
                proto::CALLS.contains(&path) || path.starts_with("/grpc.health.v1."),
                "{path} is no call any more"
            );
        }
    }

    #[test]
    fn what_a_role_may_do_grows_with_it() {
        let may = |role: Role| -> Vec<&str> {
            paths()
                .filter(|path| match need(path) {
                    Need::Nothing => true,
                    Need::One(roles) => roles.contains(&role),
                })
                .collect()
        };
        assert_eq!(may(Role::Admin).len(), TABLE.len());
        assert!(
            may(Role::Read)
                .iter()
                .all(|path| may(Role::Submit).contains(path))
        );
        for changes in ["Audit", "CollectGarbage", "Control", "Drain", "Submit"] {
            let path = format!("/sweep.v1.ClientService/{changes}");
            assert!(!may(Role::Read).contains(&path.as_str()), "{path}");
            assert!(!may(Role::Worker).contains(&path.as_str()), "{path}");
        }
        for role in [Role::Read, Role::Submit] {
            assert!(
                !may(role).iter().any(|path| path.contains("WorkerService")),
                "a person cannot deliver results"
            );
        }
        assert_eq!(need("/sweep.v1.ClientService/Unheard"), ADMIN);
        assert_eq!(need(""), ADMIN);
    }
}
