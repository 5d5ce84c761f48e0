package build.kiln.operator.quickstart;

import java.nio.file.Path;

/** What {@code --keep} invites to. */
final class Keeping {
  private Keeping() {}

  static String text(Path kubeconfig, Path repository, String registry) {
    return """

        API server, registry and operator stay up until Ctrl-C. In another terminal, for example:

          export KUBECONFIG=%1$s
          kubectl get kbuild
          kubectl describe kbuild hello
          kubectl get jobs,pods
          kubectl logs "$(kubectl get pods -o name | tail -1)"
          kubectl annotate kbuild hello kiln.build/rebuild=1
          sed 's|%3$s|%4$s|' %2$s/examples/multi-stage/imagebuild.yaml | kubectl apply --validate=false -f -
          kubectl get kbuild multi-stage -o yaml
          kubectl delete --wait=false kbuild multi-stage

        What builders print appears here. This API server is fabric8's, in memory: it knows no server-side apply,
        defaults, validation or printer columns. ./quickstart --k3s has the whole API, where Docker is.
        """
        .formatted(kubeconfig, repository, Hello.REGISTRY, registry);
  }
}
