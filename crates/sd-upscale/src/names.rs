//! The names of tensors in files, and here.

/// Returns the present name of a tensor of an RRDBNet, in the layout of ESRGAN, BSRGAN or Real-ESRGAN; `None` for others.
pub(crate) fn rrdb(key: &str) -> Option<String> {
    let parts: Vec<&str> = key.split('.').collect();
    let dense = |block: &str, dense: &str, conv: &str, kind: &str| {
        format!("body.{block}.{}.{conv}.{kind}", dense.to_ascii_lowercase())
    };
    Some(match parts[..] {
        // ESRGAN's first layout numbers the modules of nested sequences, of which some have no weights.
        ["model", "0", kind] => format!("conv_first.{kind}"),
        ["model", "1", "sub", block, rdb, conv, "0", kind] => dense(block, rdb, conv, kind),
        ["model", "1", "sub", block, rdb, conv @ "conv1x1", kind] => dense(block, rdb, conv, kind),
        ["model", "1", "sub", _, kind] => format!("conv_body.{kind}"),
        // Behind the blocks, three modules for each doubling, then two convolutions with a non-linearity between them.
        ["model", index, kind] => match index.parse::<usize>().ok()? {
            index if index % 3 == 0 => format!("conv_up.{}.{kind}", index / 3 - 1),
            index if index % 3 == 2 => format!("conv_hr.{kind}"),
            _ => format!("conv_last.{kind}"),
        },
        ["body" | "RRDB_trunk", block, rdb, conv, kind] => dense(block, rdb, conv, kind),
        ["conv_first" | "conv_body" | "conv_hr" | "conv_last", _] => key.to_string(),
        ["trunk_conv", kind] => format!("conv_body.{kind}"),
        ["HRconv", kind] => format!("conv_hr.{kind}"),
        [up, kind] => {
            let number = up.strip_prefix("conv_up").or_else(|| up.strip_prefix("upconv"))?;
            format!("conv_up.{}.{kind}", number.parse::<usize>().ok()?.checked_sub(1)?)
        }
        _ => return None,
    })
}

/// Returns the present name of a tensor of an SRVGGNetCompact, in whose files convolutions and slopes alternate; `None` for
/// others.
pub(crate) fn compact(key: &str) -> Option<String> {
    let (index, kind) = key.strip_prefix("body.")?.split_once('.')?;
    let index: usize = index.parse().ok()?;
    match (index % 2, kind) {
        (0, "weight" | "bias") => Some(format!("convs.{}.{kind}", index / 2)),
        (1, "weight") => Some(format!("activations.{}.alpha", index / 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_has_the_same_tensors() {
        for (keys, name) in [
            (["model.0.weight", "conv_first.weight"], "conv_first.weight"),
            (["model.1.sub.7.RDB2.conv5.0.bias", "RRDB_trunk.7.RDB2.conv5.bias"], "body.7.rdb2.conv5.bias"),
            (["model.1.sub.7.RDB1.conv1x1.weight", "body.7.rdb1.conv1x1.weight"], "body.7.rdb1.conv1x1.weight"),
            (["model.1.sub.23.weight", "trunk_conv.weight"], "conv_body.weight"),
            (["model.3.bias", "upconv1.bias"], "conv_up.0.bias"),
            (["model.6.bias", "conv_up2.bias"], "conv_up.1.bias"),
            (["model.8.weight", "HRconv.weight"], "conv_hr.weight"),
            (["model.10.weight", "conv_last.weight"], "conv_last.weight"),
            // The layout of a network that doubles once.
            (["model.5.weight", "conv_hr.weight"], "conv_hr.weight"),
            (["model.7.weight", "conv_last.weight"], "conv_last.weight"),
        ] {
            assert_eq!(keys.map(|key| rrdb(key).unwrap()), [name, name]);
        }
        for other in ["layers.0.norm.weight", "model.x.weight", "conv_up0.weight", "conv_first"] {
            assert_eq!(rrdb(other), None, "{other}");
        }
    }
}
