#!/usr/bin/env bash
# A Spark cluster of one master and two workers on this machine, loopback only, and a run of geoscore on it.
#
#   examples/cluster/run.sh PROJECT [OUT]        PROJECT is a geoscore.toml, such as one of `geoscore synth`
#
# PYTHON names the Python that has geoscore[spark] installed (python3 if not set); it must be at the same path on every
# machine of a real cluster, and so must the project's files and OUT: a shared folder. WORKER_MEMORY is 1g if not set.
set -euo pipefail

project="${1:?name a project file}"
out="${2:-out}"
python="$(command -v "${PYTHON:-python3}")"
memory="${WORKER_MEMORY:-1g}"
scratch="$(mktemp -d)"
spark_home="$("$python" -c 'import pyspark, pathlib; print(pathlib.Path(pyspark.__file__).parent)')"

export SPARK_HOME="$spark_home" SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON="$python" PYSPARK_DRIVER_PYTHON="$python"
export SPARK_WORKER_DIR="$scratch/work" SPARK_LOCAL_DIRS="$scratch/local"
port="${SPARK_PORT:-7077}"
master="spark://127.0.0.1:$port"
started=()

stop() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$scratch"
}
trap stop EXIT

begin() {  # a part of the cluster, with its log
  local log="$scratch/$1.log"
  shift
  "$spark_home/bin/spark-class" "$@" >"$log" 2>&1 &
  started+=("$!")
}

begin master org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$port" --webui-port 0
for number in 1 2; do
  begin "worker-$number" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --webui-port 0 --cores 1 \
    --memory "$memory" "$master"
done
for _ in $(seq 60); do  # until both workers have come
  [ "$(grep -c 'Registering worker' "$scratch/master.log" || true)" -ge 2 ] && break
  sleep 1
done
if [ "$(grep -c 'Registering worker' "$scratch/master.log" || true)" -lt 2 ]; then
  echo "the workers did not start:" >&2
  tail -n 5 "$scratch"/*.log >&2
  exit 1
fi
echo "master and two workers run at $master"

"$spark_home/bin/spark-submit" --master "$master" --conf spark.driver.bindAddress=127.0.0.1 \
  --conf spark.driver.host=127.0.0.1 --conf spark.log.level=ERROR --conf spark.ui.enabled=false \
  --conf spark.executor.memory="$memory" --conf spark.executor.cores=1 \
  "$(dirname "$0")/submit.py" "$project" "$out"
