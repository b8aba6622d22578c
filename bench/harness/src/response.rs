//! Just enough of HTTP/1.1 to know where an answer ends, what its status is and what its body holds.

/// Where the parts of an answer are in the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The status.
    pub status: u16,
    /// Where the body begins.
    pub body: usize,
    /// Where the answer ends.
    pub end: usize,
    /// Whether the body is in chunks.
    pub chunked: bool,
}

/// The answer at the beginning of `bytes` once it is there in full.
///
/// # Errors
/// When this cannot be one that the generator understands.
pub fn extent(bytes: &[u8]) -> anyhow::Result<Option<Extent>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let body = head + 4;
    let status = bytes.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = status.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let Some(status) = status else { anyhow::bail!("no status line: {}", shown(bytes)) };
    if let Some(length) = header(&bytes[..head], b"content-length") {
        let length: Option<usize> = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok());
        let Some(length) = length else { anyhow::bail!("no length: {}", shown(bytes)) };
        let end = body + length;
        return Ok((bytes.len() >= end).then_some(Extent { status, body, end, chunked: false }));
    }
    if header(&bytes[..head], b"transfer-encoding").is_some() {
        let end = bytes.len();
        let whole = bytes[body..].ends_with(b"0\r\n\r\n");
        return Ok(whole.then_some(Extent { status, body, end, chunked: true }));
    }
    // A 204 has neither.
    Ok(Some(Extent { status, body, end: body, chunked: false }))
}

/// The body, put together where it is in chunks.
///
/// # Errors
/// When the chunks are malformed.
pub fn body(bytes: &[u8], extent: Extent) -> anyhow::Result<Vec<u8>> {
    let mut rest = &bytes[extent.body..extent.end];
    if !extent.chunked {
        return Ok(rest.to_vec());
    }
    let mut whole = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else {
            anyhow::bail!("a chunk without its length")
        };
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line])?.trim(), 16)?;
        if length == 0 {
            return Ok(whole);
        }
        let Some(chunk) = rest.get(line + 2..line + 2 + length) else { anyhow::bail!("a short chunk") };
        whole.extend_from_slice(chunk);
        rest = rest.get(line + 4 + length..).unwrap_or_default();
    }
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|&byte| byte == b'\n').find_map(|line| {
        let value = line.get(name.len()..)?.strip_prefix(b":")?;
        line[..name.len()].eq_ignore_ascii_case(name).then(|| value.trim_ascii())
    })
}

/// The beginning of an answer for a message.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_answer_is_found() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP";
        assert_eq!(extent(&plain[..30]).unwrap(), None);
        assert_eq!(extent(&plain[..39]).unwrap(), None);
        let whole = extent(plain).unwrap().unwrap();
        assert_eq!((whole.status, body(plain, whole).unwrap()), (200, b"{}".to_vec()));
        let chunked = b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(extent(&chunked[..50]).unwrap(), None);
        let whole = extent(chunked).unwrap().unwrap();
        assert_eq!((whole.status, body(chunked, whole).unwrap()), (201, b"abcde".to_vec()));
        assert!(extent(b"SSH-2.0 hello\r\n\r\n").is_err());
    }
}
