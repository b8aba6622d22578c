//! Reading no more than a bound.

use std::io::{self, Read};

/// Fails behind so many bytes: what is small when packed may be without end.
pub(super) struct Bounded<R> {
    input: R,
    most: u64,
    /// Nothing where more came.
    left: Option<u64>,
}

impl<R> Bounded<R> {
    pub(super) const fn new(input: R, most: u64) -> Self {
        Self { input, most, left: Some(most) }
    }

    /// Whether more came than that.
    pub(super) const fn is_spent(&self) -> bool {
        self.left.is_none()
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(out)?;
        self.left = self.left.and_then(|left| left.checked_sub(read as u64));
        match self.left {
            Some(_) => Ok(read),
            None => Err(io::Error::other(format!("unpacked it is larger than {} bytes", self.most))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_has_a_largest_size() {
        let read = |most| Bounded::new(&b"1234567"[..], most).read_to_end(&mut Vec::new());
        assert_eq!(read(8).unwrap(), 7);
        assert_eq!(read(7).unwrap(), 7);
        assert_eq!(read(6).unwrap_err().to_string(), "unpacked it is larger than 6 bytes");
    }
}
