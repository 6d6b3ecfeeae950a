"""Write requests of the open inference protocol: `write_requests.py MODULE MODEL FILE`, seeds and labels on standard input.

MODULE is the rival's own generated module. Inputs and outputs travel as raw bytes, the protocol's fast form.
"""

import base64
import importlib
import json
import struct
import sys

protocol, model, path = importlib.import_module(sys.argv[1]), sys.argv[2], sys.argv[3]
requests = []
for row in json.load(sys.stdin):
    request = protocol.ModelInferRequest(model_name=model, id="1")
    for name in ("seed", "label"):
        request.inputs.add(name=name, datatype="INT64", shape=[len(row[name])])
        request.raw_input_contents.append(struct.pack(f"<{len(row[name])}q", *row[name]))
    requests.append(base64.b64encode(request.SerializeToString()).decode())
with open(path, "w", encoding="ascii") as file:
    json.dump(requests, file)
