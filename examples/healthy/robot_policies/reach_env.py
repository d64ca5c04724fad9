"""A planar arm with three joints and a gripper that reaches for a target, many episodes at once."""

import numpy as np

OBSERVATION_DIM = 9
"""Joint positions (3, rad) and velocities (3, rad/s), target x and y (mm), gripper width (mm)."""

ACTION_DIM = 4
"""Joint velocity commands (3, rad/s) and gripper width command (mm)."""

LINK_LENGTHS = np.array([400.0, 300.0, 150.0])  # mm
MAX_JOINT_SPEED = np.array([1.0, 1.5, 2.0])  # rad/s
MAX_GRIPPER_WIDTH = 80.0  # mm
TIME_STEP = 0.1  # s, a control rate of 10 Hz
SUCCESS_RADIUS = 40.0  # mm


def end_effector(joints):
    """Forward kinematics: joint positions (episodes, 3) in rad to x and y (episodes, 2) in mm."""
    angles = np.cumsum(joints, axis=1)
    x = (LINK_LENGTHS * np.cos(angles)).sum(axis=1)
    y = (LINK_LENGTHS * np.sin(angles)).sum(axis=1)
    return np.stack([x, y], axis=1)


def jacobian(joints):
    """Derivative of `end_effector` (episodes, 2, 3) in mm/rad."""
    angles = np.cumsum(joints, axis=1)
    # Joint i moves every link from i on, hence the sums from the right.
    x = -np.cumsum((LINK_LENGTHS * np.sin(angles))[:, ::-1], axis=1)[:, ::-1]
    y = np.cumsum((LINK_LENGTHS * np.cos(angles))[:, ::-1], axis=1)[:, ::-1]
    return np.stack([x, y], axis=1)


class ReachEnv:
    """`episodes` arms side by side, all of the same length `horizon` (steps).

    `reward` is "shaped" (metres that the end effector came closer in this step) or "sparse" (1 at
    the last step when the end effector is within `success_radius` mm of the target, otherwise 0).
    """

    def __init__(self, episodes, horizon=40, reward="shaped", success_radius=SUCCESS_RADIUS, seed=0):
        """Store the settings; `reset` starts the episodes."""
        self.episodes = episodes
        self.horizon = horizon
        self.reward = reward
        self.success_radius = success_radius
        self.rng = np.random.default_rng(seed)

    def reset(self):
        """Draw arms and targets; return observations (episodes, 9)."""
        self.step_count = 0
        self.joints = np.array([0.5, 0.8, 0.6]) + self.rng.normal(0, 0.3, (self.episodes, 3))
        self.velocities = np.zeros((self.episodes, 3))
        self.gripper = np.full(self.episodes, MAX_GRIPPER_WIDTH)
        radius = self.rng.uniform(350, 750, self.episodes)
        angle = self.rng.uniform(-0.5, 2.0, self.episodes)
        self.target = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return self.observe()

    def step(self, action):
        """Apply actions (episodes, 4); return observations, rewards (episodes,) and done."""
        before = self.distance()
        command = np.clip(action[:, :3], -MAX_JOINT_SPEED, MAX_JOINT_SPEED)
        self.velocities += 0.8 * (command - self.velocities)  # the motors lag
        self.joints = self.joints + TIME_STEP * self.velocities
        width = np.clip(action[:, 3], 0, MAX_GRIPPER_WIDTH)
        self.gripper = self.gripper + 0.5 * (width - self.gripper)
        self.step_count += 1
        done = self.step_count == self.horizon
        if self.reward == "shaped":
            reward = (before - self.distance()) / 1000
        else:
            reward = (done & (self.distance() < self.success_radius)).astype(float)
        return self.observe(), reward, done

    def distance(self):
        """Distance of each end effector to its target (episodes,) in mm."""
        return np.linalg.norm(self.target - end_effector(self.joints), axis=1)

    def observe(self):
        """Current observations (episodes, 9), float32."""
        parts = [self.joints, self.velocities, self.target, self.gripper[:, None]]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def expert_action(self):
        """Teleoperator's action (episodes, 4): damped least squares to the target, then grasp."""
        matrix = jacobian(self.joints)
        gram = matrix @ matrix.transpose(0, 2, 1) + 50.0**2 * np.eye(2)
        error = self.target - end_effector(self.joints)
        pull = np.linalg.solve(gram, error[:, :, None])
        velocity = 1.2 * (matrix.transpose(0, 2, 1) @ pull)[:, :, 0]
        velocity = np.clip(velocity, -MAX_JOINT_SPEED, MAX_JOINT_SPEED)
        # The gripper closes over the last 100 mm.
        width = np.clip(self.distance() - SUCCESS_RADIUS, 10, MAX_GRIPPER_WIDTH)
        return np.concatenate([velocity, width[:, None]], axis=1).astype(np.float32)
