//! The key `command`: a program and its arguments, as a list.
//!
//! Not one text: nothing here knows a shell's quotes. Invariant: the limits of `health::command` hold of what is made here.

use crate::health::command::CommandCheck;
use crate::toml_table::{Table, Value};

/// Reads the key of the type `command`.
pub(super) fn read_command(table: &mut Table<'_>) -> Option<CommandCheck> {
    let value = table.required("command", EXAMPLE)?;
    let items = value.items();
    let words: Vec<String> = items.iter().filter_map(read_word).collect();
    if value.is_empty_array() {
        value.wrong("the command is empty", format!("such as {EXAMPLE}"));
    }
    if words.len() != items.len() {
        return None;
    }
    let (program, arguments) = words.split_first()?;
    if !program.starts_with('/') {
        items[0].wrong(
            format_args!("{program:?} is no absolute path"),
            "a program, such as /usr/lib/nagios/plugins/check_ssh; it is run without a shell",
        );
        return None;
    }
    Some(CommandCheck { program: program.clone(), arguments: arguments.to_vec() })
}

fn read_word(item: &Value<'_>) -> Option<String> {
    let written = item.string()?;
    if written.contains('\0') {
        item.error("holds a NUL, which no argument can");
        return None;
    }
    Some(written.to_owned())
}

const EXAMPLE: &str = "[\"/usr/lib/nagios/plugins/check_ssh\", \"-H\", \"{address}\"]";
