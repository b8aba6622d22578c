"""The typical Python service: FastAPI and asyncpg over PostgreSQL, which commits a row before it is acknowledged."""

import os
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg
from fastapi import FastAPI, Header, Response
from pydantic import BaseModel

AUTHORIZATION = "Bearer " + os.environ["BENCH_TOKEN"]
CONNECTIONS = int(os.environ["BENCH_CONNECTIONS"])
PATH = "/v1/communications/serviceProviders/{provider}/externalUsers"
TABLE = """CREATE TABLE IF NOT EXISTS association (provider text NOT NULL, external_user_id text COLLATE "C" NOT NULL,
    amazon_id text NOT NULL, PRIMARY KEY (provider, external_user_id))"""
INSERT = "INSERT INTO association VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
SELECT = """SELECT external_user_id, amazon_id FROM association
    WHERE provider = $1 AND external_user_id = ANY ($2) ORDER BY external_user_id"""
# Workers start at once, and only one may make the table.
LOCK = "SELECT pg_advisory_xact_lock(1)"


class Association(BaseModel):
    externalUserId: str
    amazonId: str
    amazonIdType: Literal["communication-profile"]


class Filters(BaseModel):
    externalUserIds: list[str]


class Query(BaseModel):
    filters: Filters


class PaginationContext(BaseModel):
    totalCount: int
    nextPageToken: str


class Answer(BaseModel):
    paginationContext: PaginationContext
    accountAssociations: list[Association]


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with asyncpg.create_pool(
        os.environ["BENCH_DATABASE"], min_size=CONNECTIONS, max_size=CONNECTIONS
    ) as pool:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK)
            await connection.execute(TABLE)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post(PATH)
async def create(provider: str, association: Association, authorization: str = Header("")) -> Response:
    if authorization != AUTHORIZATION:
        return Response(status_code=401)
    done = await app.state.pool.execute(INSERT, provider, association.externalUserId, association.amazonId)
    return Response(status_code=201 if done == "INSERT 0 1" else 409)


@app.post(PATH + "/query", response_model=Answer)
async def query(provider: str, query: Query, authorization: str = Header("")):
    if authorization != AUTHORIZATION:
        return Response(status_code=401)
    rows = await app.state.pool.fetch(SELECT, provider, query.filters.externalUserIds)
    found = [
        Association(externalUserId=row[0], amazonId=row[1], amazonIdType="communication-profile") for row in rows
    ]
    return Answer(
        paginationContext=PaginationContext(totalCount=len(found), nextPageToken="0"), accountAssociations=found
    )
