#!/usr/bin/python3
"""The same workloads in valleydrift, NumPy, PyTorch and plain Eigen, side by side on one thread.

    tests/benchmarks/peers.py [path of valleydrift-bench]

NumPy and PyTorch (Debian: python3-numpy, python3-torch) are optional: what is missing is named and left out. Every
workload ends in a mean over paths, which must agree between all programs within six standard errors. Prints a table in
Markdown: nanoseconds per path and step, medians of the rounds, and ratios to valleydrift. Exit: 0 the means agree,
1 they do not, 2 the benchmark program does not run.

  A  uv              u v - 1, heavy ball, Gaussian label noise; mean of u^2 - v^2 after 1000 steps
  B  sphere          Brownian motion on the sphere in R^3, written by hand and renormalised; y . y0 at t = 1
  C  linear-network  20 features, 10 samples, heavy ball, Gaussian label noise; mean test error after 1000 steps
  D  matrix-sensing  4 x 4 matrices of rank 2, 4 measurements: D = 16, n = 4; the same
  E  matrix-sensing  12 x 12 matrices of rank 3, 30 measurements: D = 72, n = 30; the same
  F  linear-network  200 features, 100 samples: D = 400, n = 100; the same, after 100 steps
  G  teacher-student 5 tanh units of 4 inputs, 4 samples: D = 25, n = 4; the same
  H  teacher-student 32 units of 16 inputs, 48 samples: D = 544, n = 48; the same, after 100 steps
"""
import functools
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROUNDS = 5
ETA, BETA, EPSILON, STEPS = 0.05, 0.9, 0.05, 1000
SPHERE_STEPS = 256
SPARSITY, SEED = 3, 1  # of the networks
NETWORK, LARGE_NETWORK = (20, 10), (200, 100)  # features, samples
SENSING, LARGE_SENSING = (4, 2, 4), (12, 3, 30)  # dimension, rank, samples; the teacher's rank is 1
STUDENT, LARGE_STUDENT = (4, 5, 4), (16, 32, 48)  # inputs, units, samples
TEACHER_WIDTH, STUDENT_SEED, TESTS = 2, 70, 128
LARGE_STEPS = 100

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before the libraries are loaded


def optional(name):
    try:
        return __import__(name)
    except ImportError:
        print(f"peers: python3-{name} is missing and left out", file=sys.stderr)
        return None


numpy, torch = optional("numpy"), optional("torch")


# --- The data, by the definition of manifolds/random/noise.cpp: Philox4x32-10 and Box-Muller -------------------------


def philox(counter, key):
    for _ in range(10):
        one, two = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(two >> 32) ^ counter[1] ^ key[0], two & 0xFFFFFFFF,
                   (one >> 32) ^ counter[3] ^ key[1], one & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def normal(seed, process, path, step, component=0):
    r = philox([path, step // 2, process << 24, component << 16], [seed & 0xFFFFFFFF, seed >> 32])
    u = ((r[1] << 21 | r[0] >> 11) + 0.25) * 2.0**-53
    angle = math.pi / 4.0 * ((r[2] | (r[3] & 0xFFFFF) << 32) * 2.0**-51 - 1.0)
    cosine, sine = math.cos(angle) * (-1.0 if r[3] >> 30 & 1 else 1.0), math.sin(angle)
    return math.sqrt(-2.0 * math.log(u)) * (sine if (step % 2 == 0) == bool(r[3] >> 31) else cosine)


def drawn(rows, columns, role=0, seed=SEED):
    """RandomData::normals of manifolds/random/random_data.cpp."""
    return numpy.array([[normal(seed, 255, i, j, role) for j in range(columns)] for i in range(rows)])


def brought_to_valley(w, residuals, jacobian):
    """By Gauss-Newton steps, each halved until |f| falls: as in manifolds/random/random_data.cpp."""
    f = residuals(w)
    for _ in range(100):
        j = jacobian(w)
        move, part = j.T @ numpy.linalg.solve(j @ j.T, f), 1.0
        while part > 2.0**-30 and numpy.linalg.norm(residuals(w - part * move)) >= numpy.linalg.norm(f):
            part /= 2.0
        if part <= 2.0**-30:
            break
        w = w - part * move
        f = residuals(w)
    return w


@functools.cache
def network(features, samples):
    """x (samples x features), y, teacher, start (u, v): as in manifolds/models/linear_network.cpp."""
    x = drawn(samples, features)
    teacher = numpy.array([1.0] * SPARSITY + [0.0] * (features - SPARSITY))
    least = numpy.linalg.lstsq(x, x @ teacher, rcond=None)[0]
    larger = numpy.sqrt((abs(least) + numpy.sqrt(least**2 + 0.25)) / 2.0)
    u, v = numpy.where(least >= 0.0, larger, 0.25 / larger), numpy.where(least >= 0.0, 0.25 / larger, larger)
    return x, x @ teacher, teacher, u, v


@functools.cache
def sensing(d, r, samples):
    """A (samples x d^2), y, teacher (d^2), start (u, v), d x r each: as in manifolds/models/matrix_sensing.cpp."""
    a = drawn(samples, d * d)
    teacher = (drawn(d, 1, 1) @ drawn(d, 1, 2).T / d).ravel()
    labels = a @ teacher
    w = numpy.concatenate([drawn(d, r, 3).ravel(), drawn(d, r, 4).ravel()]) / math.sqrt(r)

    def residuals(w):
        u, v = w.reshape(2, d, r)
        return a @ (u @ v.T).ravel() - labels

    def jacobian(w):
        u, v = w.reshape(2, d, r)
        return numpy.array([numpy.concatenate([(g @ v).ravel(), (g.T @ u).ravel()]) for g in a.reshape(samples, d, d)])

    return a, labels, teacher, *brought_to_valley(w, residuals, jacobian).reshape(2, d, r)


@functools.cache
def student(inputs, width, samples):
    """x (samples x inputs), y, test x, test y, start (a, units x inputs): as in manifolds/models/teacher_student.cpp."""

    def weights(units, role):
        a = drawn(1, units, role, STUDENT_SEED)[0] * math.sqrt(2.0 / units)
        return a, drawn(units, inputs, role + 1, STUDENT_SEED) * math.sqrt(2.0 / inputs)

    def answer(a, w, x):
        return numpy.tanh(x @ w.T) @ a

    x, tests = drawn(samples, inputs, 0, STUDENT_SEED), drawn(inputs, TESTS, 1, STUDENT_SEED).T
    teacher = weights(TEACHER_WIDTH, 2)
    labels, test_labels = answer(*teacher, x), answer(*teacher, tests)

    def split(flat):
        return flat[:width], flat[width:].reshape(width, inputs)

    def jacobian(flat):
        a, w = split(flat)
        h = numpy.tanh(x @ w.T)
        return numpy.hstack([h, ((a * (1.0 - h * h))[:, :, None] * x[:, None, :]).reshape(samples, width * inputs)])

    a, w = weights(width, 4)
    flat = numpy.concatenate([a, w.ravel()])
    start = brought_to_valley(flat, lambda flat: answer(*split(flat), x) - labels, jacobian)
    return x, labels, tests, test_labels, *split(start)


# --- NumPy: all paths at once, every operation in place ------------------------------------------------------------


def numpy_uv(paths, seed):
    rng = numpy.random.default_rng(seed)
    u, v, p, q = numpy.full(paths, 2.0), numpy.full(paths, 0.5), numpy.zeros(paths), numpy.zeros(paths)
    r, xi = numpy.empty(paths), numpy.empty(paths)
    for _ in range(STEPS):
        rng.standard_normal(out=xi)
        numpy.multiply(u, v, out=r)
        r -= 1.0
        xi *= EPSILON
        r -= xi
        p *= BETA
        q *= BETA
        numpy.multiply(v, r, out=xi)
        p -= xi
        numpy.multiply(u, r, out=xi)
        q -= xi
        numpy.multiply(p, ETA, out=xi)
        u += xi
        numpy.multiply(q, ETA, out=xi)
        v += xi
    return u * u - v * v


def numpy_sphere(paths, seed):
    rng = numpy.random.default_rng(seed)
    y, dw, length = numpy.zeros((3, paths)), numpy.empty((3, paths)), numpy.empty(paths)
    y[0] = 1.0
    root = math.sqrt(1.0 / SPHERE_STEPS)
    for _ in range(SPHERE_STEPS):
        rng.standard_normal(out=dw)
        dw *= root
        y += dw
        numpy.einsum("ij,ij->j", y, y, out=length)
        numpy.sqrt(length, out=length)
        y /= length
    return y[0]


def numpy_network(paths, seed, sizes=NETWORK, steps=STEPS):
    rng = numpy.random.default_rng(seed)
    x, labels, teacher, u0, v0 = network(*sizes)
    samples = sizes[1]
    u, v = numpy.repeat(u0[:, None], paths, 1), numpy.repeat(v0[:, None], paths, 1)
    p, q = numpy.zeros_like(u), numpy.zeros_like(v)
    b, g, f, xi = numpy.empty_like(u), numpy.empty_like(u), numpy.empty((samples, paths)), numpy.empty((samples, paths))
    pull = numpy.ascontiguousarray(2.0 / samples * x.T)
    for _ in range(steps):
        rng.standard_normal(out=xi)
        numpy.multiply(u, u, out=b)
        numpy.multiply(v, v, out=g)
        b -= g
        numpy.matmul(x, b, out=f)
        f -= labels[:, None]
        xi *= EPSILON
        f -= xi
        numpy.matmul(pull, f, out=g)
        p *= BETA
        q *= BETA
        numpy.multiply(u, g, out=b)
        p -= b
        numpy.multiply(v, g, out=b)
        q += b
        numpy.multiply(p, ETA, out=b)
        u += b
        numpy.multiply(q, ETA, out=b)
        v += b
    return ((u * u - v * v - teacher[:, None]) ** 2).sum(0)


def numpy_sensing(paths, seed, sizes=SENSING):
    rng = numpy.random.default_rng(seed)
    a, labels, teacher, u0, v0 = sensing(*sizes)
    d, r, samples = sizes
    u, v = numpy.repeat(u0[:, :, None], paths, 2), numpy.repeat(v0[:, :, None], paths, 2)  # d x r x paths
    p, q, gu, gv = (numpy.zeros_like(u) for _ in range(4))
    product, part = numpy.empty((d, d, paths)), numpy.empty((d, d, paths))
    f, xi = numpy.empty((samples, paths)), numpy.empty((samples, paths))
    pull = numpy.ascontiguousarray(a.T / samples)
    flat = product.reshape(d * d, paths)
    for _ in range(STEPS):
        rng.standard_normal(out=xi)
        numpy.multiply(u[:, None, 0], v[None, :, 0], out=product)
        for k in range(1, r):
            numpy.multiply(u[:, None, k], v[None, :, k], out=part)
            product += part
        numpy.matmul(a, flat, out=f)
        f -= labels[:, None]
        xi *= EPSILON
        f -= xi
        numpy.matmul(pull, f, out=flat)  # now sum_i f_i A_i / n
        for k in range(r):
            numpy.multiply(product, v[None, :, k], out=part)
            numpy.add.reduce(part, axis=1, out=gu[:, k])
            numpy.multiply(product, u[:, None, k], out=part)
            numpy.add.reduce(part, axis=0, out=gv[:, k])
        p *= BETA
        q *= BETA
        p -= gu
        q -= gv
        numpy.multiply(p, ETA, out=gu)
        u += gu
        numpy.multiply(q, ETA, out=gv)
        v += gv
    return ((numpy.einsum("ikp,jkp->ijp", u, v) - teacher.reshape(d, d)[:, :, None]) ** 2).sum((0, 1))


def numpy_student(paths, seed, sizes=STUDENT, steps=STEPS):
    rng = numpy.random.default_rng(seed)
    x, labels, tests, test_labels, a0, w0 = student(*sizes)
    inputs, width, samples = sizes
    a = numpy.repeat(a0[:, None], paths, 1)  # units x paths
    w = numpy.repeat(w0.T[:, :, None], paths, 2)  # inputs x units x paths: one product serves all units
    p, q, ga, gw = numpy.zeros_like(a), numpy.zeros_like(w), numpy.empty_like(a), numpy.empty_like(w)
    h, slope = numpy.empty((samples, width, paths)), numpy.empty((samples, width, paths))
    f, xi = numpy.empty((samples, paths)), numpy.empty((samples, paths))
    flat_w, flat_gw = w.reshape(inputs, -1), gw.reshape(inputs, -1)
    flat_h, flat_slope = h.reshape(samples, -1), slope.reshape(samples, -1)
    pull = numpy.ascontiguousarray(x.T)
    for _ in range(steps):
        rng.standard_normal(out=xi)
        numpy.matmul(x, flat_w, out=flat_h)
        numpy.tanh(h, out=h)
        numpy.multiply(h, a, out=slope)
        numpy.add.reduce(slope, axis=1, out=f)
        f -= labels[:, None]
        xi *= EPSILON
        f -= xi
        f *= 1.0 / samples
        numpy.multiply(h, h, out=slope)
        numpy.subtract(1.0, slope, out=slope)
        slope *= a
        slope *= f[:, None]
        h *= f[:, None]
        numpy.add.reduce(h, axis=0, out=ga)
        numpy.matmul(pull, flat_slope, out=flat_gw)
        p *= BETA
        q *= BETA
        p -= ga
        q -= gw
        numpy.multiply(p, ETA, out=ga)
        a += ga
        numpy.multiply(q, ETA, out=gw)
        w += gw
    errors = numpy.empty(paths)
    for path in range(paths):
        errors[path] = ((numpy.tanh(tests @ w[:, :, path]) @ a[:, path] - test_labels) ** 2).mean()
    return errors


# --- PyTorch: the same ---------------------------------------------------------------------------------------------


def torch_uv(paths, seed):
    torch.manual_seed(seed)
    double = torch.float64
    u, v = torch.full((paths,), 2.0, dtype=double), torch.full((paths,), 0.5, dtype=double)
    p, q = torch.zeros(paths, dtype=double), torch.zeros(paths, dtype=double)
    r, xi = torch.empty(paths, dtype=double), torch.empty(paths, dtype=double)
    for _ in range(STEPS):
        xi.normal_()
        torch.mul(u, v, out=r).sub_(1.0).sub_(xi, alpha=EPSILON)
        p.mul_(BETA).addcmul_(v, r, value=-1.0)
        q.mul_(BETA).addcmul_(u, r, value=-1.0)
        u.add_(p, alpha=ETA)
        v.add_(q, alpha=ETA)
    return (u * u - v * v).numpy() if numpy else (u * u - v * v).tolist()


def torch_sphere(paths, seed):
    torch.manual_seed(seed)
    y, dw = torch.zeros((3, paths), dtype=torch.float64), torch.empty((3, paths), dtype=torch.float64)
    y[0] = 1.0
    root = math.sqrt(1.0 / SPHERE_STEPS)
    for _ in range(SPHERE_STEPS):
        y.add_(dw.normal_(), alpha=root)
        y.div_(torch.linalg.vector_norm(y, dim=0))
    return y[0].numpy() if numpy else y[0].tolist()


def torch_network(paths, seed):
    torch.manual_seed(seed)
    x, labels, teacher, u0, v0 = (torch.from_numpy(a) for a in network(*NETWORK))
    samples = NETWORK[1]
    u, v = u0[:, None].repeat(1, paths), v0[:, None].repeat(1, paths)
    p, q = torch.zeros_like(u), torch.zeros_like(v)
    b, g = torch.empty_like(u), torch.empty_like(u)
    f, xi = torch.empty((samples, paths), dtype=torch.float64), torch.empty((samples, paths), dtype=torch.float64)
    pull = (2.0 / samples * x.T).contiguous()
    for _ in range(STEPS):
        xi.normal_()
        torch.mul(u, u, out=b).addcmul_(v, v, value=-1.0)
        torch.matmul(x, b, out=f).sub_(labels[:, None]).sub_(xi, alpha=EPSILON)
        torch.matmul(pull, f, out=g)
        p.mul_(BETA).addcmul_(u, g, value=-1.0)
        q.mul_(BETA).addcmul_(v, g)
        u.add_(p, alpha=ETA)
        v.add_(q, alpha=ETA)
    return ((u * u - v * v - teacher[:, None]) ** 2).sum(0).numpy()


# --- Measuring -----------------------------------------------------------------------------------------------------


def processor_time(workload, paths, steps, seed):
    """Nanoseconds of processor time per path and step, and the final numbers."""
    start = time.process_time_ns()
    numbers = workload(paths, seed)
    return (time.process_time_ns() - start) / (paths * steps), list(numbers)


def bench(program, name):
    """ns per path-step, mean, standard error of one benchmark."""
    out = subprocess.run([program, f"--benchmark_filter=^peer/{name}$", "--benchmark_format=json"],
                         capture_output=True, text=True, check=True).stdout
    b = json.loads(out)["benchmarks"][0]
    return b["ns_per_path_step"], b["mean"], b["standard_error"]


# Paths at once: as many as are fastest for the peer, all its arrays in the second-level cache.
WORKLOADS = [
    ("A", "uv", STEPS, [("NumPy", numpy and numpy_uv, 8192), ("PyTorch", torch and torch_uv, 8192)]),
    ("B", "sphere", SPHERE_STEPS, [("NumPy", numpy and numpy_sphere, 8192), ("PyTorch", torch and torch_sphere, 8192)]),
    ("C", "linear-network", STEPS, [("NumPy", numpy and numpy_network, 1024),
                                    ("PyTorch", numpy and torch and torch_network, 1024)]),
    ("D", "matrix-sensing", STEPS, [("NumPy", numpy and numpy_sensing, 1024)]),
    ("E", "matrix-sensing-large", STEPS,
     [("NumPy", numpy and functools.partial(numpy_sensing, sizes=LARGE_SENSING), 256)]),
    ("F", "linear-network-large", LARGE_STEPS,
     [("NumPy", numpy and functools.partial(numpy_network, sizes=LARGE_NETWORK, steps=LARGE_STEPS), 256)]),
    ("G", "teacher-student", STEPS, [("NumPy", numpy and numpy_student, 1024)]),
    ("H", "teacher-student-large", LARGE_STEPS,
     [("NumPy", numpy and functools.partial(numpy_student, sizes=LARGE_STUDENT, steps=LARGE_STEPS), 64)]),
]


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    program = sys.argv[1] if len(sys.argv) > 1 else str(root / "build/release/valleydrift-bench")
    if torch:
        torch.set_num_threads(1)
    rows, agreed = [], True
    for letter, manifold, steps, peers in WORKLOADS:
        own, other = [], {}
        for round_ in range(ROUNDS):  # in turns, so that what else the machine does falls on all
            try:
                own.append(bench(program, f"valleydrift/{manifold}"))
                if letter == "A":
                    other.setdefault("Eigen, mt19937", []).append(bench(program, "eigen-mt19937/uv"))
            except (OSError, subprocess.CalledProcessError, ValueError, KeyError, IndexError) as error:
                print(f"peers: {program} does not run the benchmarks: {error}", file=sys.stderr)
                return 2
            for name, workload, paths in peers:
                if workload:
                    ns, numbers = processor_time(workload, paths, steps, 1000 + round_)
                    mean = statistics.fmean(numbers)
                    error = statistics.stdev(numbers) / math.sqrt(len(numbers))
                    other.setdefault(name, []).append((ns, mean, error))
        ours, mean, error = statistics.median(r[0] for r in own), own[0][1], own[0][2]
        for name, results in other.items():
            theirs = statistics.median(r[0] for r in results)
            # valleydrift repeats the same draws in each round, its peers' rounds are independent; Eigen repeats too.
            independent = results if "Eigen" not in name else results[:1]
            their_mean = statistics.fmean(r[1] for r in independent)
            their_error = math.sqrt(sum(r[2] ** 2 for r in independent)) / len(independent)
            apart = abs(their_mean - mean) / math.hypot(error, their_error)
            agreed = agreed and apart <= 6.0
            rows.append(f"| {letter}: {manifold} | {name} | {theirs:.3g} | {ours:.3g} | {theirs / ours:.1f} | "
                        f"{their_mean:.5g} +- {their_error:.1g} | {mean:.5g} +- {error:.1g} | {apart:.1f} |")
    print("| workload | peer | its ns | valleydrift ns | ratio | its mean | valleydrift's mean | apart in SE |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    if not agreed:
        print("peers: means differ by more than six standard errors", file=sys.stderr)
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
