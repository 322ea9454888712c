# Each target sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON_IN_VENV := .venv/bin/python
export PORT STATE_DIR REPLAY_SPEED DATASET ENV DRY_RUN

.PHONY: help setup dev test check bench deploy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything into .venv and node_modules; quick when repeated
	@tools/setup.sh

dev: setup ## run the desk here: workers, recorded markets, cron (PORT STATE_DIR REPLAY_SPEED DATASET)
	@$(PYTHON_IN_VENV) -m tools.dev

test: setup ## run every test, with one summary
	@$(PYTHON_IN_VENV) -m tools.test

check: setup ## ruff, mypy --strict and a scan for secrets
	@$(PYTHON_IN_VENV) -m tools.check

bench: setup ## measure speed, size and cost against the budgets
	@$(PYTHON_IN_VENV) -m bench

deploy: setup ## deploy (ENV=staging|production; DRY_RUN=1 does all of it offline)
	@$(PYTHON_IN_VENV) -m tools.deploy

clean: ## delete what the tools made; the state of `make dev` stays
	rm -rf build node_modules .venv python_modules */python_modules .wrangler */.wrangler .mypy_cache .pytest_cache .ruff_cache
