package build.kiln.operator.quickstart;

import build.kiln.operator.e2e.HelloOnK3s;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * What the script {@code quickstart} starts; it has checked the options. Exit codes: 0 all is well,
 * 1 it is not.
 */
public final class Main {
  private Main() {}

  /**
   * @param args the repository's folder, then options
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    var repository = Path.of(args[0]).toAbsolutePath();
    var options = List.of(args).subList(1, args.length);
    boolean keep = options.contains("--keep");
    var screen = new Screen(System.out, System::nanoTime);
    var closing = new Closing();
    // At the end as on Ctrl-C: what was started and written goes.
    Runtime.getRuntime().addShutdownHook(new Thread(closing::close, "closing"));
    try {
      var problems =
          options.contains("--k3s")
              ? HelloOnK3s.run(repository, keep, screen::text, closing::add)
              : local(repository, keep, screen, closing);
      problems.forEach(problem -> screen.text("quickstart: " + problem));
      System.exit(problems.isEmpty() ? 0 : 1);
    } catch (IOException | RuntimeException e) {
      // Once all is being closed, whatever fails only says so.
      if (!closing.closed()) {
        throw e;
      }
    }
  }

  private static List<String> local(Path repository, boolean keep, Screen screen, Closing closing)
      throws IOException, InterruptedException {
    var quickstart = Quickstart.start(repository, screen, closing);
    var problems = quickstart.run();
    if (problems.isEmpty()) {
      screen.text("\nAll as it should be, after %s.".formatted(screen.time().strip()));
    }
    if (keep) {
      quickstart.invite();
      new CountDownLatch(1).await();
    }
    return problems;
  }
}
