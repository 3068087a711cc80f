use crate::{Image, Mask};

impl Image {
    /// Puts what was drawn into this image: where the mask is 0, the bytes are this image's, where it is 255, they are those
    /// of `drawn`, and between they are mixed and rounded.
    ///
    /// # Panics
    ///
    /// Panics if the sizes differ.
    #[must_use]
    pub fn composite(&self, drawn: &Self, mask: &Mask) -> Self {
        let size = (self.width, self.height);
        assert!(
            (drawn.width, drawn.height) == size && (mask.width, mask.height) == size,
            "images of {size:?} and {:?} with a mask of {:?}",
            (drawn.width, drawn.height),
            (mask.width, mask.height)
        );
        let parts = mask.values.iter().flat_map(|part| [u32::from(*part); 3]);
        let bytes = self.rgb.iter().zip(&drawn.rgb).zip(parts);
        let mix = |((kept, drawn), part): ((&u8, &u8), u32)| {
            ((u32::from(*kept) * (255 - part) + u32::from(*drawn) * part + 127) / 255) as u8
        };
        Self { width: self.width, height: self.height, rgb: bytes.map(mix).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_chooses_between_the_bytes_of_both() {
        let [kept, drawn] = [0, 7].map(|step| Image {
            width: 16,
            height: 16,
            rgb: (0..768_usize).map(|i| (i * (31 + step) % 256) as u8).collect(),
        });
        let mask = |value| Mask { width: 16, height: 16, values: vec![value; 256] };
        assert_eq!(kept.composite(&drawn, &mask(0)), kept);
        assert_eq!(kept.composite(&drawn, &mask(255)), drawn);
        for value in 1..255 {
            assert_eq!(kept.composite(&kept, &mask(value)), kept);
            let mixed = kept.composite(&drawn, &mask(value));
            let exact =
                |a: u8, b: u8| (f64::from(a) * f64::from(255 - value) + f64::from(b) * f64::from(value)) / 255.0;
            let wanted: Vec<u8> = kept.rgb.iter().zip(&drawn.rgb).map(|(a, b)| exact(*a, *b).round() as u8).collect();
            assert_eq!(mixed.rgb, wanted, "{value}");
        }
    }
}
