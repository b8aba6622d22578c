use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::{Device, Measured};

const HERE: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::LOCALHOST)];

/// Waits until it is so.
async fn until(device: &Device, what: &str, is_so: impl Fn(Measured) -> bool) -> Measured {
    let started = Instant::now();
    loop {
        let measured = device.measured();
        if is_so(measured) {
            return measured;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{what}: {measured:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Two devices on this machine hear each other, renegotiate and go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_hear_each_other() {
    let (caller, called) = (Device::new(&HERE).unwrap(), Device::new(&HERE).unwrap());
    let offer = caller.offer().unwrap();
    assert!(
        offer.starts_with("v=0") && offer.contains("a=candidate:") && offer.contains("127.0.0.1"),
        "{offer}"
    );
    // Lines that end with LF alone, and a last one that does not end, are taken.
    let bare = |text: &str| text.replace('\r', "").trim_end().to_owned();
    let answer = called.answer(&bare(&offer)).unwrap();
    caller.accept(&bare(&answer)).unwrap();
    for device in [&caller, &called] {
        let heard = until(device, "it hears the tone", |measured| measured.hertz.is_some()).await;
        assert!(heard.connected && heard.sent > 0 && heard.received >= 50);
        let hertz = heard.hertz.unwrap();
        assert!((435.0..=445.0).contains(&hertz), "{hertz}");
        assert!(heard.lost * 100 <= heard.received, "{heard:?}");
    }
    let again = called.offer().unwrap();
    called.accept(&caller.answer(&again).unwrap()).unwrap();
    let before = caller.measured().received;
    until(&caller, "it goes on", |measured| measured.received > before + 50).await;
    drop(called);
    let silent = caller.measured();
    assert!(silent.connected);
}

#[tokio::test]
async fn what_is_no_description_is_rejected() {
    let device = Device::new(&HERE).unwrap();
    for text in ["", "v=0", "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", "hello"] {
        assert!(device.answer(text).is_err(), "{text:?}");
    }
    assert_eq!(device.accept("v=0").unwrap_err(), "there is no offer that it answers");
    let offer = device.offer().unwrap();
    assert!(device.accept("v=0\r\n").is_err());
    assert!(offer.contains("m=audio"));
}

/// Browsers offer video as well: it is refused in a form that they read.
#[tokio::test]
async fn what_is_refused_has_a_format() {
    let (browser, device) = (Device::new(&HERE).unwrap(), Device::new(&HERE).unwrap());
    let offer = browser.offer().unwrap();
    let audio = &offer[offer.find("m=audio").unwrap()..];
    let video = audio
        .lines()
        .filter(|line| {
            !["a=rtpmap", "a=fmtp", "a=ssrc", "a=rtcp-fb"].iter().any(|start| line.starts_with(start))
        })
        .map(|line| match line {
            line if line.starts_with("m=audio") => "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n".to_owned(),
            line if line.starts_with("a=mid:") => "a=mid:video\r\n".to_owned(),
            line => format!("{line}\r\n"),
        });
    let both = offer.clone() + &video.collect::<String>() + "a=rtpmap:96 VP8/90000\r\n";
    let answer = device.answer(&both).unwrap();
    let media: Vec<&str> = answer.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(media.len(), 2, "{answer}");
    assert_eq!(media[1], "m=video 0 UDP/TLS/RTP/SAVPF 96", "{answer}");
}
