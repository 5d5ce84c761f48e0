package build.kiln.runtime.registry.embedded;

import com.sun.net.httpserver.HttpExchange;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What is to go wrong, by method and path. The first order that matches a request and is due is
 * carried out; each order counts the requests that match it. Thread-safe.
 */
public final class Faults {
  private static final class Order {
    final String method;
    final Pattern path;
    final int from;
    final int times;
    final Fault fault;
    int seen;

    Order(String method, Pattern path, int from, int times, Fault fault) {
      this.method = method;
      this.path = path;
      this.from = from;
      this.times = times;
      this.fault = fault;
    }
  }

  private final List<Order> orders = new ArrayList<>();

  Faults() {}

  /** Every such request from now on. */
  public Faults always(String method, String pathPattern, Fault fault) {
    return order(method, pathPattern, 1, Integer.MAX_VALUE, fault);
  }

  /** The next such request. */
  public Faults once(String method, String pathPattern, Fault fault) {
    return order(method, pathPattern, 1, 1, fault);
  }

  /** The next {@code count} such requests. */
  public Faults times(int count, String method, String pathPattern, Fault fault) {
    return order(method, pathPattern, 1, count, fault);
  }

  /** The n-th such request from now, n from 1. */
  public Faults nth(int n, String method, String pathPattern, Fault fault) {
    return order(method, pathPattern, n, 1, fault);
  }

  /**
   * @param method such as GET, or {@code *}
   * @param pathPattern a regular expression found anywhere in the path, without the query
   */
  private synchronized Faults order(
      String method, String pathPattern, int from, int times, Fault fault) {
    orders.add(new Order(method, Pattern.compile(pathPattern), from, times, fault));
    return this;
  }

  /** Takes all orders back. */
  public synchronized void clear() {
    orders.clear();
  }

  synchronized Optional<Fault> next(String method, String path) {
    for (Order order : orders) {
      boolean matches =
          (order.method.equals("*") || order.method.equals(method))
              && order.path.matcher(path).find();
      if (matches) {
        order.seen++;
        if (order.seen >= order.from && order.seen - order.from < order.times) {
          return Optional.of(order.fault);
        }
      }
    }
    return Optional.empty();
  }

  /**
   * Carries a fault out.
   *
   * @return whether the request has had its answer by that
   */
  static boolean apply(Fault fault, HttpExchange http) throws IOException, InterruptedException {
    switch (fault) {
      case Fault.Answer answer -> {
        answer.headers().forEach((name, value) -> http.getResponseHeaders().set(name, value));
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        boolean silent = body.length == 0 || http.getRequestMethod().equals("HEAD");
        http.sendResponseHeaders(answer.status(), silent ? -1 : body.length);
        if (!silent) {
          http.getResponseBody().write(body);
        }
        return true;
      }
      case Fault.CutRequest cut -> {
        http.getRequestBody().skipNBytes(cut.afterBytes());
        return true;
      }
      case Fault.Instead instead -> {
        instead.handler().handle(http);
        return true;
      }
      case Fault.CutAnswer cut -> wrap(http, new Cut(http, cut.afterBytes()));
      case Fault.CorruptAnswer ignored -> wrap(http, new Corrupt(http));
      case Fault.Drip drip -> wrap(http, new Dripping(http, drip));
      case Fault.Delay delay -> Thread.sleep(delay.duration());
      case Fault.Hold hold -> {
        hold.arrived().countDown();
        hold.release().await();
      }
    }
    return false;
  }

  private static void wrap(HttpExchange http, OutputStream out) {
    http.setStreams(http.getRequestBody(), out);
  }

  /** Writes to the answer's own stream, which takes bytes once the headers went out. */
  private abstract static class Wrapped extends FilterOutputStream {
    Wrapped(HttpExchange http) {
      super(http.getResponseBody());
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public abstract void write(byte[] bytes, int offset, int length) throws IOException;
  }

  private static final class Cut extends Wrapped {
    private final HttpExchange http;
    private long left;

    Cut(HttpExchange http, long left) {
      super(http);
      this.http = http;
      this.left = left;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      int n = (int) Math.min(left, length);
      out.write(bytes, offset, n);
      left -= n;
      if (n < length) {
        out.flush();
        // Closing an answer that is not complete closes its connection.
        http.close();
        throw new IOException("cut by order");
      }
    }
  }

  private static final class Dripping extends Wrapped {
    private final Fault.Drip drip;

    Dripping(HttpExchange http, Fault.Drip drip) {
      super(http);
      this.drip = drip;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      for (int done = 0; done < length; done += drip.bytes()) {
        out.write(bytes, offset + done, Math.min(drip.bytes(), length - done));
        out.flush();
        try {
          Thread.sleep(drip.pause());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException("the registry is closed", e);
        }
      }
    }
  }

  private static final class Corrupt extends Wrapped {
    private boolean done;

    Corrupt(HttpExchange http) {
      super(http);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (done || length == 0) {
        out.write(bytes, offset, length);
        return;
      }
      done = true;
      byte[] copy = bytes.clone();
      copy[offset] ^= 1;
      out.write(copy, offset, length);
    }
  }
}
