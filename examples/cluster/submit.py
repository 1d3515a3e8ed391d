"""What `spark-submit` starts: a run of geoscore on the cluster that it was submitted to.

spark-submit --master spark://HOST:7077 examples/cluster/submit.py PROJECT OUT
"""

import sys

import geoscore as gs

if __name__ == "__main__":
    project, out = sys.argv[1:]
    done = gs.run(project, out=out, engine="spark")
    print(f"{done.summary['households']:,} households; surface in {done.out}")
