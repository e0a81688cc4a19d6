//! The numbers that end SOA rdata: read by the negative answer, changed by whoever fills in serials.
//!
//! Knows no record set. Source: RFC 1035 §3.3.13.

/// What follows the two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoaNumbers {
    pub serial: u32,
    /// Seconds a negative answer may be kept, unless the SOA's TTL is less (RFC 2308 §4).
    pub minimum: u32,
}

/// Serial, refresh, retry, expire and minimum, four octets each.
const NUMBERS_LEN: usize = 20;

/// The numbers in valid SOA rdata; none when it is too short to be that.
pub fn numbers(rdata: &[u8]) -> Option<SoaNumbers> {
    let numbers = rdata.last_chunk::<NUMBERS_LEN>()?;
    let (serial, minimum) = (numbers.first_chunk()?, numbers.last_chunk()?);
    Some(SoaNumbers { serial: u32::from_be_bytes(*serial), minimum: u32::from_be_bytes(*minimum) })
}

/// SOA rdata with another serial.
pub fn with_serial(rdata: &[u8], serial: u32) -> Vec<u8> {
    let mut rdata = rdata.to_vec();
    if let Some(numbers) = rdata.last_chunk_mut::<NUMBERS_LEN>() {
        numbers[..4].copy_from_slice(&serial.to_be_bytes());
    }
    rdata
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serial_is_the_first_number_and_the_minimum_the_last() {
        let rdata = [&b"\x01a\x00\x01b\x00"[..], &[0, 0, 0, 7], &[9; 12], &[0, 0, 0, 60]].concat();
        assert_eq!(numbers(&rdata), Some(SoaNumbers { serial: 7, minimum: 60 }));
        assert_eq!(numbers(&with_serial(&rdata, 8)), Some(SoaNumbers { serial: 8, minimum: 60 }));
        assert_eq!(numbers(b"\x00\x00"), None);
    }
}
