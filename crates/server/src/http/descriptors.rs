//! Divides the available file descriptors: each connection takes one, and the store, the log and operators'
//! connections need some too.

use super::connection::ListenerConfig;
use crate::router::Listener;

/// Fewest and most descriptors that are not for connections: files of the store, connections to a database.
const RESERVE: std::ops::RangeInclusive<u64> = 32..=512;

/// How many connections the listeners may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Each public socket.
    pub(crate) public: usize,
    /// Each admin socket.
    pub(crate) admin: usize,
}

/// Shares of `open_files` descriptors for the sockets that listen, of which each can use `most`. Where there are not enough
/// the log says so. Operators get a quarter of what there is, as long as they can use it.
pub(crate) fn shares(most: usize, listeners: &[ListenerConfig], open_files: Option<u64>) -> Shares {
    let admin = listeners.iter().filter(|listener| listener.which == Listener::Admin).count();
    share(most, listeners.len() - admin, admin, open_files)
}

fn share(most: usize, public_sockets: usize, admin_sockets: usize, open_files: Option<u64>) -> Shares {
    let wanted = Shares { public: most, admin: most };
    let Some(open_files) = open_files else { return wanted };
    // Each holds one more connection while it makes room for it.
    let sockets = (public_sockets + admin_sockets) as u64;
    let reserve = (open_files / 4).clamp(*RESERVE.start(), *RESERVE.end()) + sockets;
    let needed = (most as u64).saturating_mul(sockets).saturating_add(reserve);
    if needed <= open_files {
        return wanted;
    }
    let left = usize::try_from(open_files.saturating_sub(reserve)).unwrap_or(usize::MAX);
    let admin = most.min(left / 4 / admin_sockets.max(1)).max(1);
    let public = most.min(left.saturating_sub(admin * admin_sockets) / public_sockets.max(1)).max(1);
    tracing::warn!(
        open_files,
        needed,
        public,
        admin,
        "--max-connections is lowered: the system lets this process have too few open files (ulimit -n, LimitNOFILE=)"
    );
    Shares { public, admin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_shared() {
        let all = Shares { public: 8_192, admin: 8_192 };
        assert_eq!(share(8_192, 1, 1, None), all);
        assert_eq!(share(8_192, 1, 1, Some(100_000)), all);
        assert_eq!(share(8_192, 1, 1, Some(2 * 8_192 + 512 + 2)), all, "just enough");
        let one_short = share(8_192, 1, 1, Some(2 * 8_192 + 512 + 1));
        assert_eq!(one_short, Shares { public: 8_192, admin: 4_095 }, "operators give way first");
        assert_eq!(share(8_192, 1, 1, Some(64)), Shares { public: 23, admin: 7 });
        assert_eq!(share(8_192, 2, 1, Some(64)), Shares { public: 11, admin: 7 });
        assert_eq!(share(8_192, 1, 1, Some(10)), Shares { public: 1, admin: 1 }, "there is always one");
        assert_eq!(share(4, 1, 1, Some(64)), Shares { public: 4, admin: 4 });
    }
}
