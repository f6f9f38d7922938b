"""Record a PyTorch loop of your own; then: diffrender render denoise own_loop.npz --out own_loop.mp4

    python own_loop.py

The network here is a small one, trained on two moons on the spot; put yours in its place. Three lines record: those
that name `recorder` up to the end of the loop. What follows is for scenes that show more than states.
"""

import math

import torch

import diffrender

torch.manual_seed(0)
STEPS = 60


def moons(n):
    """Two half circles, (n, 2), and which of the two."""
    angle, upper = math.pi * torch.rand(n, 1), torch.rand(n, 1) < 0.5
    x = torch.where(upper, angle.cos() - 0.5, 0.5 - angle.cos())
    y = torch.where(upper, angle.sin() - 0.25, 0.25 - angle.sin())
    return torch.cat([x, y], 1) + 0.04 * torch.randn(n, 2), upper[:, 0].long()


# flow matching: x_t = (1 − t) x_0 + t ε, and the network predicts ε − x_0
width = 64
network = torch.nn.Sequential(
    *(torch.nn.Linear(3, width), torch.nn.SiLU(), torch.nn.Linear(width, width), torch.nn.SiLU()),
    *(torch.nn.Linear(width, width), torch.nn.SiLU(), torch.nn.Linear(width, 2)),
)
TRAINING = 1200
optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, TRAINING)
for _ in range(TRAINING):
    x0, noise, t = moons(256)[0], torch.randn(256, 2), torch.rand(256, 1)
    velocity = network(torch.cat([(1 - t) * x0 + t * noise, t], 1))
    loss = (velocity - (noise - x0)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()


@torch.no_grad()
def velocity_at(points, level):
    """dx/dt at points (G, 2)."""
    return network(torch.cat([points, torch.full((len(points), 1), level.sigma)], 1))


with diffrender.Recorder("own_loop.npz", seed=0) as recorder, torch.no_grad():
    x = torch.randn(600, 2)
    for i in range(STEPS):
        t = 1 - i / STEPS
        velocity = network(torch.cat([x, torch.full((600, 1), t)], 1))
        recorder.state(x, alpha=1 - t, sigma=t, x0=x - t * velocity)
        x = x - velocity / STEPS
    recorder.state(x, alpha=1, sigma=0)

    data, half = moons(600)
    recorder.target(data, labels=half, names=["lower", "upper"])
    recorder.field("velocity", velocity_at, box=(-3, 3, -3, 3))  # what `drift` draws
    recorder.describe(
        sampler="Euler's method", equation="{{x_(t-h) : sum}} = x_t - h thin {{v_theta (x_t, t) : data}}", model="MLP"
    )

print("own_loop.npz")
