//! A document as elements, with where each ends.
//!
//! Knows no shapes. What could make a small document large, deep or slow is refused: a DTD (and so entities of its own),
//! nesting beyond [`DEPTH_MAX`], elements beyond [`ELEMENTS_MAX`], namespaces beyond [`NAMESPACES_MAX`]. Invariant: there is
//! one root, with nothing but space, comments and instructions around it. Source: XML 1.0; Namespaces in XML 1.0.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{NsReader, name::ResolveResult};

use super::NAMESPACE;
use super::invalid::{At, Invalid};

/// One element.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Without its prefix.
    pub name: String,
    /// Whether its namespace is the API's, or none.
    pub ours: bool,
    pub text: String,
    pub children: Vec<Element>,
    /// Just behind its end tag, which is where a validating parser reports it.
    pub end: At,
}

/// How deep elements may be nested; the API's own go to 8.
const DEPTH_MAX: usize = 32;
/// Elements of one document: three times those of the largest batch that a body has room for. Each costs more memory than
/// the four octets that it may be written with.
const ELEMENTS_MAX: usize = 1 << 20;
/// Namespaces declared by one element; each name behind them may be compared with all of them.
const NAMESPACES_MAX: usize = 8;

/// Reads one document of UTF-8.
///
/// # Errors
/// [`Invalid`]: what is wrong with it as XML.
pub(super) fn parse(text: &str) -> Result<Element, Invalid> {
    if let Some((at, character)) = text.char_indices().find(|&(_, character)| !is_character(character)) {
        let what = format!(
            "An invalid XML character (Unicode: 0x{:x}) was found in the element content of the document.",
            u32::from(character)
        );
        return Err(Invalid::syntax(At(at), &what));
    }
    let mut reader = NsReader::from_str(text);
    reader.resolver_mut().set_max_declarations_per_element(NAMESPACES_MAX);
    let mut open: Vec<Element> = Vec::new();
    let (mut root, mut elements) = (None, 0);
    loop {
        let (namespace, event) = match reader.read_resolved_event() {
            Ok((namespace, event)) => (is_ours(&namespace), event),
            Err(error) => return Err(Invalid::syntax(At(reader.error_position() as usize), &error.to_string())),
        };
        let at = || At(reader.buffer_position() as usize);
        if matches!(event, Event::Start(_) | Event::Empty(_)) {
            elements += 1;
            if root.is_some() || open.len() == DEPTH_MAX || elements > ELEMENTS_MAX {
                return Err(Invalid::syntax(at(), TOO_MUCH));
            }
        }
        match event {
            Event::Start(start) => open.push(named(&start, namespace)),
            Event::Empty(start) => {
                let element = Element { end: at(), ..named(&start, namespace) };
                close(element, &mut open, &mut root);
            }
            Event::End(_) => {
                let mut element = open.pop().expect("the reader matches end tags to start tags");
                element.end = at();
                close(element, &mut open, &mut root);
            }
            Event::Text(found) => match found.decode() {
                Ok(found) => put_text(&mut open, &found, at())?,
                Err(error) => return Err(Invalid::syntax(at(), &error.to_string())),
            },
            Event::CData(found) => match found.decode() {
                Ok(found) => put_text(&mut open, &found, at())?,
                Err(error) => return Err(Invalid::syntax(at(), &error.to_string())),
            },
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten();
                let named = reference.decode().ok().and_then(|name| quick_xml::escape::resolve_predefined_entity(&name));
                match (character.filter(|&c| is_character(c)), named) {
                    (Some(character), _) => put_text(&mut open, character.encode_utf8(&mut [0; 4]), at())?,
                    (None, Some(text)) => put_text(&mut open, text, at())?,
                    (None, None) => return Err(Invalid::syntax(at(), "the entity is not one of XML's own")),
                }
            }
            Event::DocType(_) => return Err(Invalid::syntax(at(), "DOCTYPE is disallowed")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    match (root, open.is_empty()) {
        (Some(root), true) => Ok(root),
        _ => Err(Invalid::syntax(At(text.len()), "Premature end of file.")),
    }
}

const TOO_MUCH: &str = "elements are too many, are nested too deep, or stand behind the document's end";

fn is_ours(namespace: &ResolveResult<'_>) -> bool {
    match namespace {
        ResolveResult::Bound(namespace) => namespace.0 == NAMESPACE.as_bytes(),
        ResolveResult::Unbound => true,
        ResolveResult::Unknown(_) => false,
    }
}

fn named(start: &BytesStart<'_>, ours: bool) -> Element {
    let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
    Element { name, ours, ..Element::default() }
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

/// Around the root there is only space.
fn put_text(open: &mut [Element], text: &str, at: At) -> Result<(), Invalid> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if is_space(text) => {}
        None => return Err(Invalid::syntax(at, "Content is not allowed outside of the root element.")),
    }
    Ok(())
}

/// XML 1.0 §2.3.
pub(super) fn is_space(text: &str) -> bool {
    text.trim_matches([' ', '\t', '\r', '\n']).is_empty()
}

/// Whether XML 1.0 §2.2 allows the character.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
