//! A text as a QR code, as the path of a picture: plain attributes of an SVG, which need no style (`qrcode` does the arithmetic).

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

use crate::protocol::secrets::sensitive::Sensitive;

/// A QR code.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The number of modules on each side, without the quiet zone around them.
    pub modules: usize,
    /// The dark modules, as the path of an SVG with one unit a module.
    pub path: Sensitive<String>,
}

/// The picture of this text; `None` if the text is too long.
#[must_use]
pub fn picture(text: &Sensitive<String>) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text.expose(), EcLevel::M).ok()?;
    let modules = code.width();
    let mut path = Sensitive::new(String::with_capacity(modules * modules * 8));
    for (y, row) in code.to_colors().chunks(modules).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                write!(path.expose_mut(), "M{x} {y}h{length}v1h-{length}z", length = run.len()).ok()?;
            }
            x += run.len();
        }
    }
    Some(Picture { modules, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_draws_the_dark_modules() {
        let text = Sensitive::from("otpauth://totp/id.example.com:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let Picture { modules, path } = picture(&text).unwrap();
        let expected = QrCode::with_error_correction_level(text.expose(), EcLevel::M).unwrap();
        let mut drawn = vec![Color::Light; modules * modules];
        for part in path.expose().split('M').skip(1) {
            let (place, rest) = part.split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let length: usize = rest.split_once('v').unwrap().0.parse().unwrap();
            drawn[y * modules + x..][..length].fill(Color::Dark);
        }
        assert_eq!(drawn, expected.to_colors());
        assert!(picture(&Sensitive::new("x".repeat(5000))).is_none());
    }
}
