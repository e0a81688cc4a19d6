//! A document as elements, with where each ends.
//!
//! Knows no shapes. What could make a small document large or deep is refused: a DTD (and so entities of its own),
//! nesting beyond [`DEPTH_MAX`]. Invariant: an element has either text or children, unless it is only space.
//! Source: XML 1.0.

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
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let (namespace, event) = match reader.read_resolved_event() {
            Ok((namespace, event)) => (is_ours(&namespace), event),
            Err(error) => return Err(Invalid::syntax(At(reader.error_position() as usize), &error.to_string())),
        };
        let at = || At(reader.buffer_position() as usize);
        match event {
            Event::Start(start) => {
                if root.is_some() || open.len() == DEPTH_MAX {
                    return Err(Invalid::syntax(at(), "elements are nested too deep, or stand behind the document's end"));
                }
                open.push(named(&start, namespace));
            }
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
                Ok(found) => put_text(&mut open, &found),
                Err(error) => return Err(Invalid::syntax(at(), &error.to_string())),
            },
            Event::CData(found) => match found.decode() {
                Ok(found) => put_text(&mut open, &found),
                Err(error) => return Err(Invalid::syntax(at(), &error.to_string())),
            },
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten();
                let named = reference.decode().ok().and_then(|name| quick_xml::escape::resolve_predefined_entity(&name));
                match (character.filter(|&c| is_character(c)), named) {
                    (Some(character), _) => put_text(&mut open, character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => put_text(&mut open, text),
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

fn put_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Whether XML 1.0 §2.2 allows the character.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
