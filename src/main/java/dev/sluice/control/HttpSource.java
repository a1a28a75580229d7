package dev.sluice.control;

import dev.sluice.control.admin.AdminException;
import dev.sluice.control.http.Reading;
import dev.sluice.control.http.Sample;
import dev.sluice.control.http.Source;

/** Readings for what is shown by HTTP, none once the director releases what they are read from. Any thread. */
final class HttpSource implements Source {
    private final AdminService admin;
    private final Reload reload;
    private final TrafficSampler sampler;

    HttpSource(AdminService admin, Reload reload, TrafficSampler sampler) {
        this.admin = admin;
        this.reload = reload;
        this.sampler = sampler;
    }

    @Override
    public Reading read() throws AdminException {
        return admin.read(stats -> stats.reading(reload.load()));
    }

    @Override
    public Sample sample() throws AdminException {
        return admin.read(_ -> sampler.sample());
    }
}
