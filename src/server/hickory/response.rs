//! A response of ours, in the parts that hickory encodes again.
//!
//! Not a decoder for other servers' messages. Rdata goes through as octets, so that no type can be changed on the way;
//! only types whose names we compress are decoded. Invariant: what hickory encodes of a [`Response`] decodes to the same
//! records in the same order. Sources: RFC 1035 §4.1, RFC 3597 §4, RFC 6891 §6.1.2, RFC 8945 §5.1 (TSIG comes last).

use hickory_server::proto::op::{Edns, Header, Metadata};
use hickory_server::proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_server::proto::rr::rdata::{NULL, TSIG};
use hickory_server::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_server::proto::serialize::binary::{BinDecodable, BinDecoder, BinEncoder, DecodeError, Restrict};
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder, Queries};

/// What a response says.
pub(super) struct Response {
    metadata: Metadata,
    question: Queries,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    additionals: Vec<Record>,
    edns: Option<Edns>,
    signature: Option<Box<Record<TSIG>>>,
}

impl Response {
    /// Takes a response apart.
    ///
    /// # Errors
    /// When `octets` are no message.
    pub fn parse(octets: &[u8]) -> Result<Self, DecodeError> {
        let decoder = &mut BinDecoder::new(octets);
        let Header { metadata, counts } = Header::read(decoder)?;
        let question = Queries::read(decoder, counts.queries.into())?;
        let mut response = Self {
            metadata,
            question,
            answers: Vec::with_capacity(counts.answers.into()),
            authorities: Vec::with_capacity(counts.authorities.into()),
            additionals: Vec::with_capacity(counts.additionals.into()),
            edns: None,
            signature: None,
        };
        for _ in 0..counts.answers {
            response.answers.push(Parsed::read(decoder)?.into_record(decoder)?);
        }
        for _ in 0..counts.authorities {
            response.authorities.push(Parsed::read(decoder)?.into_record(decoder)?);
        }
        for _ in 0..counts.additionals {
            response.put_additional(Parsed::read(decoder)?, decoder)?;
        }
        Ok(response)
    }

    /// OPT and TSIG are no records to hickory: it puts them behind the others by itself.
    fn put_additional(&mut self, parsed: Parsed, decoder: &mut BinDecoder<'_>) -> Result<(), DecodeError> {
        match parsed.rtype {
            RecordType::OPT => {
                self.metadata.merge_response_code((parsed.ttl >> 24) as u8);
                self.edns = Some(parsed.into_edns(decoder)?);
            }
            RecordType::TSIG => {
                let signature = parsed.into_typed(decoder)?.map(|data| match data {
                    RData::TSIG(signature) => Some(signature),
                    _ => None,
                });
                self.signature = signature.map(Box::new);
            }
            _ => self.additionals.push(parsed.into_record(decoder)?),
        }
        Ok(())
    }

    /// The payload size that its OPT announces.
    pub fn payload_size(&self) -> Option<u16> {
        self.edns.as_ref().map(Edns::max_payload)
    }

    /// Leaves out what does not fit `limit` octets: the additional section where it is no referral's, or everything, with
    /// TC. Hickory by itself would cut RRsets apart.
    pub fn fit(mut self, limit: usize) -> Self {
        if self.authorities.is_empty() && !self.fits(limit) {
            self.additionals.clear();
        }
        if !self.fits(limit) {
            self.answers.clear();
            self.authorities.clear();
            self.additionals.clear();
            self.metadata.truncation = true;
        }
        self
    }

    /// Whether hickory would send it whole.
    fn fits(&self, limit: usize) -> bool {
        let mut octets = Vec::with_capacity(limit);
        let mut encoder = BinEncoder::new(&mut octets);
        encoder.set_max_size(limit.try_into().unwrap_or(u16::MAX));
        self.message().destructive_emit(&mut encoder).is_ok_and(|info| info.truncation == self.metadata.truncation)
    }

    /// As hickory takes it.
    pub fn message(
        &self,
    ) -> MessageResponse<
        '_,
        '_,
        impl Iterator<Item = &Record> + Send,
        impl Iterator<Item = &Record> + Send,
        impl Iterator<Item = &Record> + Send,
        impl Iterator<Item = &Record> + Send,
    > {
        let builder = MessageResponseBuilder::new(&self.question, self.edns.as_ref());
        let mut message = builder.build(self.metadata, &self.answers, &self.authorities, [], &self.additionals);
        if let Some(signature) = &self.signature {
            message.set_signature(signature.clone());
        }
        message
    }
}

/// A record up to its rdata, which the decoder stands before.
struct Parsed {
    owner: Name,
    rtype: RecordType,
    class: u16,
    ttl: u32,
    len: u16,
}

impl Parsed {
    fn read(decoder: &mut BinDecoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            owner: Name::read(decoder)?,
            rtype: RecordType::read(decoder)?,
            class: decoder.read_u16()?.unverified(/* any class is passed on */),
            ttl: decoder.read_u32()?.unverified(/* any TTL is passed on */),
            len: decoder.read_u16()?.unverified(/* whoever reads so many octets finds out whether they are there */),
        })
    }

    fn into_record(self, decoder: &mut BinDecoder<'_>) -> Result<Record, DecodeError> {
        if COMPRESSED.contains(&self.rtype) {
            return self.into_typed(decoder);
        }
        let mut rdata = NULL::new();
        rdata.anything = self.rdata(decoder)?;
        let code = self.rtype;
        Ok(self.with(RData::Unknown { code, rdata }))
    }

    /// With its rdata decoded by hickory.
    fn into_typed(self, decoder: &mut BinDecoder<'_>) -> Result<Record, DecodeError> {
        let data = RData::read(decoder, self.rtype, Restrict::new(self.len))?;
        Ok(self.with(data))
    }

    fn with(self, data: RData) -> Record {
        let mut record = Record::from_rdata(self.owner, self.ttl, data);
        record.dns_class = DNSClass::from(self.class);
        record
    }

    fn into_edns(self, decoder: &mut BinDecoder<'_>) -> Result<Edns, DecodeError> {
        let mut edns = Edns::new();
        edns.set_max_payload(self.class).set_version((self.ttl >> 16) as u8);
        *edns.flags_mut() = (self.ttl as u16).into();
        let rdata = self.rdata(decoder)?;
        let options = &mut BinDecoder::new(&rdata);
        while !options.is_empty() {
            let code = options.read_u16()?.unverified(/* any code is passed on */);
            let len = options.read_u16()?.unverified(/* read_vec finds out whether the octets are there */);
            let data = options.read_vec(len.into())?.unverified(/* passed on as it is */);
            edns.options_mut().options.push((EdnsCode::from(code), EdnsOption::Unknown(code, data)));
        }
        Ok(edns)
    }

    fn rdata(&self, decoder: &mut BinDecoder<'_>) -> Result<Vec<u8>, DecodeError> {
        Ok(decoder.read_vec(self.len.into())?.unverified(/* passed on as they are */))
    }
}

/// The types that may have compressed names in their rdata (RFC 3597 §4), as far as `zone::embedded` compresses them.
const COMPRESSED: [RecordType; 5] = [RecordType::NS, RecordType::CNAME, RecordType::PTR, RecordType::SOA, RecordType::MX];
