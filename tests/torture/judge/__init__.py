"""What is wrong with a history of requests.

To read in this order: `verdict` judges a round; `checker` judges its history, by the
rules of `strict_serializability` (the whole store; reads of the past by `history_reads`
and `exports`) and `key_histories` (each key, by `linearizability`). They rest on
`requests`, `claims` and `replay`. `violations`, `shrink` with `projection`, and
`report` show what was found. `grants` judges accounts and access tokens with few
rights; `simulator` makes histories for the tests of the checker.
"""
