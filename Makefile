# Each target sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON_IN_VENV := .venv/bin/python
export PORT STATE_DIR REPLAY_SPEED DATASET ALERT_PORT ENV DRY_RUN SEEDS FIRST JOBS MODULES SAMPLE SEED KILLS DESKS STRATEGY DATA PARAMS

.PHONY: help setup dev drill test backtest simulate chaos mutate check bench load deploy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything into .venv and node_modules; quick when repeated
	@tools/setup.sh

dev: setup ## run the desk here: workers, recorded markets, cron (PORT STATE_DIR REPLAY_SPEED DATASET ALERT_PORT)
	@$(PYTHON_IN_VENV) -m tools.dev

drill: setup ## with `make dev` running: trip a breaker, and see the halt, the alert and the resume (PORT STATE_DIR ALERT_PORT)
	@$(PYTHON_IN_VENV) -m tools.drill

test: setup ## run every test, with one summary
	@$(PYTHON_IN_VENV) -m tools.test

backtest: setup ## run a strategy over recorded bars (STRATEGY DATA PARAMS ARGS; `make backtest ARGS=--help` lists the rest)
	@$(PYTHON_IN_VENV) -m tools.backtest $(ARGS)

simulate: setup ## run the desk through 20,000 seeds of faults and crashes (SEEDS FIRST JOBS)
	@$(PYTHON_IN_VENV) -m tools.simulate

chaos: setup ## kill the workers 200 times under load and judge them by what the venues saw (KILLS SEED DESKS)
	@$(PYTHON_IN_VENV) -m tools.chaos

mutate: setup ## change the desk's core in every small way and see whether a test notices (MODULES SAMPLE SEED)
	@$(PYTHON_IN_VENV) -m tools.mutate

check: setup ## ruff, mypy --strict and a scan for secrets
	@$(PYTHON_IN_VENV) -m tools.check

bench: setup ## measure speed, size and cost against the budgets
	@$(PYTHON_IN_VENV) -m bench

load: setup ## a hundred commands a second over HTTP, on one desk and on a hundred, and where it ends
	@$(PYTHON_IN_VENV) -m bench.load

deploy: setup ## deploy (ENV=staging|production; DRY_RUN=1 does all of it offline)
	@$(PYTHON_IN_VENV) -m tools.deploy

clean: ## delete what the tools made; the state of `make dev` stays
	rm -rf build node_modules .venv python_modules */python_modules .wrangler */.wrangler .mypy_cache .pytest_cache .ruff_cache
