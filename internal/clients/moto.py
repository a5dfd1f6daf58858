# A moto that serves one request at a time, as its threads lose concurrent changes, on a free port that it prints. It ends
# with its stdin.
#
# As DynamoDB does, and moto does not, it knows a transaction that it has done by its token: who was not answered asks
# again. Else it answers as moto does, but sooner: moto copies the whole table for each change of a transaction, to have it
# back if the transaction fails, and sorts the whole table for each query. Here a copy shares its rows, which are replaced
# and never changed, and a query looks at its own partition only.
import collections
import copy
import logging
import os
import sys
import threading

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

whole_query = Table.query
update_in_place = DynamoDBBackend.update_item
transact = DynamoHandler.transact_write_items
answers = {}  # to transactions, by token


def with_rows(table, rows):
    twin = copy.copy(table)
    twin.items = collections.defaultdict(dict, rows)
    return twin


def backup(table, _):
    return with_rows(table, {key: copy.copy(partition) for key, partition in table.items.items()})


def query(table, key, comparison, values, limit, start, forward, projection, index=None, *args, **kwargs):
    if not index:
        table = with_rows(table, {key: table.items[key]} if key in table.items else {})
    return whole_query(table, key, comparison, values, limit, start, forward, projection, index, *args, **kwargs)


def update(db, table_name, key, *args, **kwargs):
    table = db.get_table(table_name)
    partition, sort = db.get_keys_value(table, key)
    row = table.get_item(partition, sort)
    if row is not None:
        rows, at = (table.items[partition], sort) if sort else (table.items, partition)
        rows[at] = copy.deepcopy(row)
    return update_in_place(db, table_name, key, *args, **kwargs)


def transact_once(request):
    token = request.body.get("ClientRequestToken")
    if token is None:
        return transact(request)
    if token not in answers:
        answers[token] = transact(request)
    return answers[token]


DynamoHandler.transact_write_items = transact_once
Table.__deepcopy__, Table.query, DynamoDBBackend.update_item = backup, query, update
logging.getLogger("werkzeug").setLevel(logging.ERROR)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
print(server.server_port, flush=True)
server.serve_forever()
