package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the Job of a run is to be like.
 *
 * @param timeout over all its pods
 * @param wish what the resource asks of the pod
 * @param mountToken whether the pod may speak to the API server, as its ServiceAccount
 */
public record RunPod(Duration timeout, @Nullable PodTemplate wish, boolean mountToken) {}
