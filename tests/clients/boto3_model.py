"""Every operation of botocore's model, called with the least that the model lets through, on an account with nothing in it.

None may end in an error of the server's own, and none in an error that the model does not have. Each answer is compared
with the model as XML, before botocore's parser forgives what it can: names, order, what is required, how lists are made.
"""

import xml.etree.ElementTree as tree

from botocore.exceptions import ClientError

from server import Server, expect, say

NAMESPACE = "{https://route53.amazonaws.com/doc/2013-04-01/}"

# What the service answers beside the errors of each operation.
EVERYWHERE = {"InvalidInput", "AccessDenied", "Throttling"}

# Required by the model, and yet AWS answers without it unless it was asked from somewhere.
OMITTED = {"Marker"}

# Long enough for every shape with a least length; of the datatype where the model says no more.
LEAST = {
    "string": lambda shape: "a" * max(1, shape.metadata.get("min", 1)),
    "integer": lambda shape: shape.metadata.get("min", 1),
    "long": lambda shape: shape.metadata.get("min", 1),
    "double": lambda shape: 0.0,
    "boolean": lambda shape: False,
    "timestamp": lambda shape: "2026-11-21T00:00:00Z",
}


def main():
    with Server() as server:
        client = server.client()
        compare_answers(client)
        model = client.meta.service_model
        outcomes = {name: outcome(client, model.operation_model(name)) for name in sorted(model.operation_names)}
        for name, code in outcomes.items():
            say(f"  {name}: {code}")
        codes = {code for code in outcomes.values()}
        expect(len(outcomes) >= 71, True, "the model has the operations that waypost was made for")
        expect("OK" in codes and len(codes) > 5, True, "answers and errors of several kinds were compared with the model")
        expect(server.dig("example.org"), [], "nothing that was called has made a zone of that name")


def outcome(client, operation):
    """The error's code, or OK, of one call."""
    method = getattr(client, method_name(client, operation.name))
    try:
        method(**least(operation.input_shape))
        return "OK"
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        modelled = {shape.name: shape.metadata.get("error", {}).get("httpStatusCode", 400) for shape in operation.error_shapes}
        known = status == modelled[code] if code in modelled else code in EVERYWHERE and 400 <= status < 500
        claim = f"{operation.name}: {code} with status {status} is an error of the model ({error.response['Error']['Message']})"
        if not known:
            expect(False, True, claim)
        if "is not supported" in error.response["Error"]["Message"]:
            expect(False, True, f"{operation.name} is served")
        return code


def method_name(client, operation):
    return next(method for method, name in client.meta.method_to_api_mapping.items() if name == operation)


def least(shape):
    """A value that botocore's validation lets through; of a structure, what is required."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        return {name: least(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [least(shape.member)] * max(1, shape.metadata.get("min", 1))
    return shape.enum[0] if getattr(shape, "enum", None) else LEAST[shape.type_name](shape)


def compare_answers(client):
    """From now on an answer that is not as the model has it ends the script."""

    def compare(operation_model, response_dict, **_):
        model = operation_model
        body, status = response_dict["body"], response_dict["status_code"]
        expect_quietly(status < 500, f"{model.name} answered {status}: {body[:300]}")
        if status >= 300:
            return compare_error(model, body)
        expect_quietly(status == model.http.get("responseCode", 200), f"{model.name} answered {status}")
        compare_output(model, body, response_dict["headers"])

    client.meta.events.register("before-parse.route-53", compare)


def compare_output(model, body, headers):
    members, required = model.output_shape.members, set(model.output_shape.required_members)
    bodied = {name: member for name, member in members.items() if member.serialization.get("location") is None}
    for name in required - set(bodied):
        header = members[name].serialization["name"]
        expect_quietly(headers.get(header), f"{model.name} has no header {header}")
    if not body:
        expect_quietly(not bodied, f"{model.name} answered with nothing")
        return
    root = tree.fromstring(body)
    expect_quietly(root.tag == NAMESPACE + model.output_shape.name, f"{model.name} answered with {root.tag}")
    compare_members(model.name, root, bodied, required & set(bodied))


def compare_error(model, body):
    root = tree.fromstring(body)
    named = root.tag.removeprefix(NAMESPACE)
    expect_quietly(root.tag.startswith(NAMESPACE), f"{model.name}'s error has no namespace: {root.tag}")
    expect_quietly(root.find(f"{NAMESPACE}RequestId") is not None, f"{model.name}'s error {named} has no request id")


def compare_shape(place, element, shape):
    if shape.type_name == "structure":
        compare_members(place, element, shape.members, set(shape.required_members))
    elif shape.type_name == "list":
        item = shape.member.serialization.get("name", "member")
        for at, child in enumerate(element):
            expect_quietly(child.tag == NAMESPACE + item, f"{place}[{at}] is {child.tag}, not {item}")
            compare_shape(f"{place}[{at}]", child, shape.member)
    else:
        compare_scalar(place, element, shape)


def compare_members(place, element, members, required):
    """Whether the children are members, in the model's order, each at most once, none missing that is required."""
    names = {member.serialization.get("name", name): name for name, member in members.items()}
    found = [child.tag.removeprefix(NAMESPACE) for child in element]
    for child, name in zip(element, found):
        expect_quietly(name in names, f"{place} has {name}, which the model does not have")
        compare_shape(f"{place}.{name}", child, members[names[name]])
    order = [name for name in names if name in found]
    expect_quietly(found == order, f"{place} has {found}, not {order}")
    missing = required - {names[name] for name in found} - OMITTED
    expect_quietly(not missing, f"{place} is without {missing}")


def compare_scalar(place, element, shape):
    text = element.text or ""
    expect_quietly(len(element) == 0, f"{place} has elements within")
    if getattr(shape, "enum", None):
        expect_quietly(text in shape.enum, f"{place} is {text!r}, which is none of {shape.enum}")
    if shape.type_name in ("integer", "long"):
        least_, most = shape.metadata.get("min", 0), shape.metadata.get("max", 1 << 62)
        expect_quietly(least_ <= int(text) <= most, f"{place} is {text}")
    if shape.type_name == "boolean":
        expect_quietly(text in ("true", "false"), f"{place} is {text!r}")


def expect_quietly(holds, complaint):
    if not holds:
        raise AssertionError(complaint)


if __name__ == "__main__":
    main()
