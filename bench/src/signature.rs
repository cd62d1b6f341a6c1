//! The cost of one signature on this machine at this time: `openssl speed`, run right before and right after a row, so that a
//! temporarily slower machine affects both. A row is compared with the mean of the two.

use std::process::Command;

use crate::{
    numbers::float,
    trouble::{Result, Trouble},
};

/// The cost of one signature, in microseconds of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// RSA-2048, for RS256.
    pub rsa2048_us: f64,
    /// P-256, for ES256.
    pub es256_us: f64,
}

/// Measures both, for this number of seconds each (and verification as long again, which `openssl` does as well).
///
/// # Errors
/// When `openssl` cannot be run, or prints something else.
pub fn measure(seconds: u32) -> Result<Cost> {
    let seconds = seconds.to_string();
    let output = Command::new("openssl")
        .args(["speed", "-mr", "-seconds", &seconds, "rsa2048", "ecdsap256"])
        .output()
        .map_err(|error| Trouble::while_doing("openssl speed", &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).ok_or_else(|| Trouble::new(format!("openssl speed said something else: {}", text.trim())))
}

/// Parses the output of `-mr`: `+F2:_:2048:signatures a second:..` and `+F4:_:256:signatures a second:..`.
fn parse(text: &str) -> Option<Cost> {
    let cost = |start: &str, bits: &str| {
        text.lines().find_map(|line| {
            let mut fields = line.strip_prefix(start)?.split(':').skip(1);
            let rate: f64 = (fields.next()? == bits).then(|| fields.next())??.parse().ok()?;
            (rate > 0.0).then(|| 1_000_000.0 / rate)
        })
    };
    Some(Cost { rsa2048_us: cost("+F2:", "2048")?, es256_us: cost("+F4:", "256")? })
}

impl Cost {
    /// The mean of two.
    pub fn mean(self, other: Self) -> Self {
        Self { rsa2048_us: self.rsa2048_us.midpoint(other.rsa2048_us), es256_us: self.es256_us.midpoint(other.es256_us) }
    }

    /// The difference between two costs, in percent.
    pub fn apart(self, other: Self) -> f64 {
        (self.rsa2048_us / other.rsa2048_us - 1.0).abs() * float(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "+DTP:2048:private:rsa:1\n+F2:2:2048:4000.000000:79115.873016\n+F4:3:256:50000.00:24504.081633\n";

    #[test]
    fn what_openssl_prints_is_signatures_a_second() {
        let cost = parse(SAID).unwrap();
        assert_eq!(cost, Cost { rsa2048_us: 250.0, es256_us: 20.0 });
        for text in ["", "+F2:2:2048:4000:1", "+F2:2:2048:0.0:1\n+F4:3:256:1:1", "+F2:2:1024:4000:1\n+F4:3:256:1:1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn two_are_compared_by_their_mean() {
        let (one, other) = (Cost { rsa2048_us: 200.0, es256_us: 20.0 }, Cost { rsa2048_us: 220.0, es256_us: 22.0 });
        assert_eq!(one.mean(other), Cost { rsa2048_us: 210.0, es256_us: 21.0 });
        assert!((other.apart(one) - 10.0).abs() < 1e-9);
    }
}
