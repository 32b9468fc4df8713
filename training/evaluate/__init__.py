"""Evaluation: models and baselines on the same faces, and a report that can be checked.

`training.evaluate.command` is the command line, `scoring` and `lists` are what other parts use,
`measures` holds one file for each question, `report` says what was found.
"""
